"""Names for the made-up shop: categories, brands, styles and variants of products; gifts, add-ons and bundles.

Here: names and prices only, all invented. Not here: how products are made from them (``catalogue``).
"""

from __future__ import annotations

CATEGORIES: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("女装", 189, ("连衣裙", "针织衫", "羽绒服", "风衣", "半身裙", "衬衫")),
    ("男装", 169, ("休闲裤", "夹克", "卫衣", "衬衫", "羽绒服", "T恤")),
    ("鞋靴", 239, ("跑步鞋", "帆布鞋", "短靴", "乐福鞋", "凉鞋")),
    ("箱包", 259, ("双肩包", "手提包", "行李箱", "斜挎包", "钱包")),
    ("家居", 129, ("四件套", "抱枕", "台灯", "收纳箱", "地毯", "浴巾")),
    ("厨具", 99, ("炒锅", "保温杯", "刀具套装", "餐具", "电热水壶")),
    ("数码", 399, ("蓝牙耳机", "充电宝", "键盘", "智能手环", "音箱")),
    ("美妆", 149, ("面霜", "口红", "防晒霜", "面膜", "精华液", "卸妆油")),
    ("母婴", 119, ("婴儿推车", "纸尿裤", "奶瓶", "儿童绘本", "爬行垫")),
    ("食品", 49, ("坚果礼盒", "挂耳咖啡", "绿茶", "曲奇饼干", "牛肉干", "杂粮")),
    ("运动", 159, ("瑜伽垫", "哑铃", "羽毛球拍", "速干衣", "泳镜")),
    ("宠物", 79, ("猫粮", "狗窝", "猫砂", "牵引绳", "磨牙棒")),
)
"""Name, typical price in yuan, nouns for product names."""

BRANDS = (
    "云岚里", "禾木记", "青屿社", "拾光堂", "白榆家", "南枝坊", "栖山集", "北麓川", "朝露屋", "松间月",
    "一苇渡", "麦浪村", "蓝渡口", "远帆号", "知夏园", "半亩塘", "鹿鸣谷", "星野町", "溪午后", "石榴巷",
)  # fmt: skip

STYLES = ("轻薄", "加厚", "经典", "简约", "复古", "便携", "大容量", "柔软", "防水", "夏季", "冬季", "新款")

VARIANTS = ("黑色", "白色", "灰色", "蓝色")
"""The colours of a product's variants."""

GIFTS = (("护肤小样", 12), ("帆布袋", 9), ("钥匙扣", 5), ("便携杯", 15))
"""Added to an order at price 0: name, usual price in yuan."""

ADD_ONS = (("延长保修", 39), ("礼品包装", 12), ("换购抽纸", 10), ("换购袜子", 19), ("上门安装", 60))
"""Only offered at the checkout: name, price in yuan."""

BUNDLES = (("居家四件组合", 299), ("早餐组合", 89), ("出行三件套", 359), ("护肤全套", 259), ("开学礼包", 199))
"""Sold as one article, although pages show its parts: name, price in yuan."""
