/* The texts of the shop in both languages. */

const EN = {
  tagline: "Good things for every day", autumn: "Autumn", newest: "New in", onePage: "One-page shop",
  cart: "Cart", searchFor: "Search: mug, lamp, tee …", search: "Search", picked: "Picked for you", results: "Results",
  nothing: "Nothing found. Try another word.", everything: "All products", hello: "Hello", signOut: "Sign out",
  banner1: "Slow mornings", banner1About: "Mugs, bowls and a pot of tea", banner2: "Light for long evenings",
  banner2About: "Lamps that turn corners into places", banner3: "Made to walk in", banner3About: "Tees, caps and a light shoe",
  look: "Have a look", Kitchen: "Kitchen", Home: "Living", Wear: "Wear", Desk: "Desk", campaignAutumn: "Autumn table",
  campaignAutumnAbout: "Warm colours for the table and the room, chosen by our team.", campaignNew: "New in",
  campaignNewAbout: "What came in this season.", size: "Size", choose: "Choose a size first", add: "Add to cart",
  added: "Added to the cart", goCart: "Go to the cart", alsoLike: "You may also like", stock: "In stock · sent within two days",
  empty: "Your cart is empty.", shopOn: "Go on shopping", total: "Total", checkout: "Check out", remove: "Remove",
  order: "Your order", name: "Your name", nameAbout: "It is your user_id in this demo. Nothing leaves this machine.",
  pay: "Pay now", thanks: "Thank you!", number: "Order", next: "Now run this and open the path explorer:",
  failed: "The order could not be placed. Is the collector running?", back: "Back to the list", picks: "Browse without reloads",
  picksAbout: "Opening a product here changes the address, not the document.", measured: "This visit is recorded",
  notMeasured: "This visit is not recorded", turnOff: "Turn off", turnOn: "Turn on", language: "中文",
  fine: "Headwater's demo shop. Nothing here is for sale.",
};

const ZH = {
  tagline: "日常好物", autumn: "秋日餐桌", newest: "上新", onePage: "单页商店", cart: "购物车",
  searchFor: "搜索：马克杯、台灯、短袖……", search: "搜索", picked: "为你推荐", results: "搜索结果",
  nothing: "没有找到，换个词试试。", everything: "全部商品", hello: "你好", signOut: "退出登录",
  banner1: "慢一点的早晨", banner1About: "马克杯、汤碗和一壶热茶", banner2: "长夜里的光", banner2About: "一盏灯，点亮一个角落",
  banner3: "出门走走", banner3About: "短袖、帽子和轻便的鞋", look: "去看看", Kitchen: "厨房", Home: "家居", Wear: "服饰", Desk: "文具数码",
  campaignAutumn: "秋日餐桌", campaignAutumnAbout: "为餐桌和房间挑选的暖色好物。", campaignNew: "新品上架",
  campaignNewAbout: "这一季刚到的商品。", size: "尺码", choose: "请先选择尺码", add: "加入购物车", added: "已加入购物车",
  goCart: "去购物车", alsoLike: "猜你喜欢", stock: "现货 · 两天内发出", empty: "购物车还是空的。", shopOn: "继续逛逛",
  total: "合计", checkout: "去结算", remove: "删除", order: "确认订单", name: "姓名",
  nameAbout: "在这个演示里它就是 user_id，不会离开这台机器。", pay: "立即支付", thanks: "下单成功！", number: "订单号",
  next: "现在运行下面的命令，再打开路径页面：", failed: "下单失败。采集服务在运行吗？", back: "返回列表",
  picks: "不刷新，接着逛", picksAbout: "在这里打开商品只改变网址，不重新加载页面。", measured: "正在记录本次访问",
  notMeasured: "不记录本次访问", turnOff: "关闭", turnOn: "开启", language: "English",
  fine: "Headwater 演示商店，商品均不出售。",
};

const asked = new URLSearchParams(location.search).get("lang");
if (asked) localStorage.setItem("shop.lang", asked);

export const language = localStorage.getItem("shop.lang") || (navigator.language.startsWith("zh") ? "zh" : "en");

/** The text called *name* in the shopper's language. */
export const t = (name) => (language === "zh" ? ZH : EN)[name] ?? name;
