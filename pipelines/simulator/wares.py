"""Names for the made-up shop: categories, brands, styles and variants of products; gifts, add-ons and bundles.

Here: names in Chinese and English, and prices; all invented.
Not here: how products are made from them (``catalogue``).
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

ENGLISH = {
    "女装": "Women's wear", "男装": "Men's wear", "鞋靴": "Shoes", "箱包": "Bags", "家居": "Home", "厨具": "Kitchen",
    "数码": "Electronics", "美妆": "Beauty", "母婴": "Baby", "食品": "Food", "运动": "Sports", "宠物": "Pets",
    "赠品": "Gifts", "加购服务": "Add-ons", "组合套装": "Bundles",
    "连衣裙": "dress", "针织衫": "knit sweater", "羽绒服": "down jacket", "风衣": "trench coat", "半身裙": "skirt",
    "衬衫": "shirt", "休闲裤": "chinos", "夹克": "jacket", "卫衣": "hoodie", "T恤": "T-shirt",
    "跑步鞋": "running shoes", "帆布鞋": "canvas shoes", "短靴": "ankle boots", "乐福鞋": "loafers", "凉鞋": "sandals",
    "双肩包": "backpack", "手提包": "handbag", "行李箱": "suitcase", "斜挎包": "crossbody bag", "钱包": "wallet",
    "四件套": "bedding set", "抱枕": "cushion", "台灯": "desk lamp", "收纳箱": "storage box", "地毯": "rug",
    "浴巾": "bath towel", "炒锅": "wok", "保温杯": "thermos", "刀具套装": "knife set", "餐具": "tableware",
    "电热水壶": "kettle", "蓝牙耳机": "wireless earbuds", "充电宝": "power bank", "键盘": "keyboard",
    "智能手环": "fitness band", "音箱": "speaker", "面霜": "face cream", "口红": "lipstick", "防晒霜": "sunscreen",
    "面膜": "face mask", "精华液": "serum", "卸妆油": "cleansing oil", "婴儿推车": "stroller", "纸尿裤": "nappies",
    "奶瓶": "baby bottle", "儿童绘本": "picture book", "爬行垫": "play mat", "坚果礼盒": "nut gift box",
    "挂耳咖啡": "drip coffee", "绿茶": "green tea", "曲奇饼干": "cookies", "牛肉干": "beef jerky",
    "杂粮": "mixed grains",
    "瑜伽垫": "yoga mat", "哑铃": "dumbbell", "羽毛球拍": "badminton racket", "速干衣": "quick-dry top",
    "泳镜": "swim goggles", "猫粮": "cat food", "狗窝": "dog bed", "猫砂": "cat litter", "牵引绳": "leash",
    "磨牙棒": "chew stick",
    "云岚里": "Cloudridge", "禾木记": "Hemu", "青屿社": "Green Isle", "拾光堂": "Daylight", "白榆家": "White Elm",
    "南枝坊": "Southbough", "栖山集": "Hillrest", "北麓川": "Northfoot", "朝露屋": "Morning Dew", "松间月": "Pinemoon",
    "一苇渡": "Reedford", "麦浪村": "Wheatwave", "蓝渡口": "Blue Ferry", "远帆号": "Farsail", "知夏园": "Early Summer",
    "半亩塘": "Half Acre", "鹿鸣谷": "Deer Valley", "星野町": "Starfield", "溪午后": "Brookside",
    "石榴巷": "Pomegranate",
    "轻薄": "light", "加厚": "thick", "经典": "classic", "简约": "plain", "复古": "retro", "便携": "portable",
    "大容量": "large", "柔软": "soft", "防水": "waterproof", "夏季": "summer", "冬季": "winter", "新款": "new",
    "黑色": "black", "白色": "white", "灰色": "grey", "蓝色": "blue",
    "护肤小样": "Skin care sample", "帆布袋": "Canvas bag", "钥匙扣": "Key ring", "便携杯": "Travel cup",
    "延长保修": "Extended warranty", "礼品包装": "Gift wrap", "换购抽纸": "Tissues", "换购袜子": "Socks",
    "上门安装": "Installation at home", "居家四件组合": "Home set of four", "早餐组合": "Breakfast set",
    "出行三件套": "Travel set of three", "护肤全套": "Complete skin care", "开学礼包": "Back-to-school pack",
}  # fmt: skip
"""The English of each text above."""
