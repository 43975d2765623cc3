/*
 * The demo shop: one module for all its pages, without a framework.
 * What matters to the tracker is in the data-hw-* attributes; nothing here calls it except for log-in and consent.
 */
import { picture, shape } from "./art.js";
import { language, t } from "./words.js";

const query = new URLSearchParams(location.search);
const main = document.querySelector("main");
const { dataset } = document.documentElement;
// Set this before the first await, so that the tracker, whose script tag follows, finds it at the page view.
if (query.has("sku")) dataset.hwPageSku = query.get("sku");
const all = await (await fetch("products.json")).json();
const products = all.filter((one) => !one.parent_sku);
const bySku = new Map(all.map((one) => [one.sku, one]));

// What this shop remembers in the browser: the cart, who is logged in, and the answer about measuring.
const read = (name, otherwise) => JSON.parse(localStorage.getItem(`shop.${name}`) ?? JSON.stringify(otherwise));
const write = (name, value) => localStorage.setItem(`shop.${name}`, JSON.stringify(value));

const safe = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const money = (amount) => `¥${amount.toLocaleString("en")}`;
const named = (product) => (language === "zh" ? product.name_zh : product.name_en);
const parent = (product) => bySku.get(product.parent_sku ?? product.sku);
const variants = (product) => all.filter((one) => one.parent_sku === product.sku);
const details = (product) => `detail.html?sku=${product.sku}`;

// Parts of pages

function card(product, slot, href = details(product)) {
  const plus = `<button class="plus" data-hw-action="add_to_cart" data-add="${product.sku}" aria-label="${t("add")}: ${named(product)}">+</button>`;
  return `<li class="card" data-hw-slot="${slot}" data-hw-sku="${product.sku}">
    <a href="${href}" data-sku="${product.sku}">${picture(product)}<span class="name">${named(product)}</span></a>
    <span class="price">${money(product.list_price)}</span>${variants(product).length ? "" : plus}</li>`;
}

const cards = (module, list) =>
  `<ul class="cards" data-hw-module="${module}">${list.map((one, index) => card(one, index + 1)).join("")}</ul>`;

const heading = (title, about = "") => `<header class="title"><h1>${title}</h1><p>${about}</p></header>`;

function searchForm(words = "") {
  return `<form class="search" action="search.html" data-hw-module="search" role="search">
    <input name="q" value="${safe(words)}" placeholder="${t("searchFor")}" aria-label="${t("search")}">
    <button type="submit">${t("search")}</button></form>`;
}

function buying(product) {
  const sizes = variants(product);
  const choices = sizes.map((one) => `<button data-size="${one.sku}">${one.size}</button>`);
  return `<article class="detail"><figure>${picture(product)}</figure>
    <section class="buy"><p class="brand">${product.brand}</p><h1>${named(product)}</h1>
      <p class="price">${money(product.list_price)}</p><p class="quiet">${t("stock")}</p>
      ${sizes.length ? `<div class="sizes" data-hw-module="choose_size"><span>${t("size")}</span>${choices.join("")}</div>` : ""}
      <div data-hw-module="buy_bar"><button class="main" id="add" data-hw-action="add_to_cart"
        ${sizes.length ? `disabled title="${t("choose")}"` : `data-add="${product.sku}" data-hw-sku="${product.sku}"`}>${t("add")}</button>
      <a class="second" href="cart.html">${t("goCart")}</a></div>
    </section></article>`;
}

const similar = (product) =>
  [...products.filter((one) => one.category === product.category), ...products].filter((one) => one !== product).slice(0, 4);

// Pages

const BANNERS = [
  ["banner1", "campaign.html?c=autumn", "teapot-moss", "morning"],
  ["banner2", "search.html?category=Home", "lamp-dawn", "evening"],
  ["banner3", "campaign.html?c=new", "shoe-path", "walk"],
];
const ICONS = [
  ["Kitchen", "search.html?category=Kitchen", "mug-rill"], ["Home", "search.html?category=Home", "chair-oak"],
  ["Wear", "search.html?category=Wear", "tee-linen"], ["Desk", "search.html?category=Desk", "headphones-hush"],
  ["autumn", "campaign.html?c=autumn", "vase-clay"], ["newest", "campaign.html?c=new", "speaker-brook"],
];
const CAMPAIGNS = {
  autumn: ["campaignAutumn", "campaignAutumnAbout", (one) => ["sand", "coral", "sun", "moss"].includes(one.colour)],
  new: ["campaignNew", "campaignNewAbout", (one) => one.launched_on >= "2026-03"],
};

const PAGES = {
  home() {
    const banner = BANNERS.map(([text, href, sku, look], index) => `<a class="slide ${look}" href="${href}"
      data-hw-slot="${index + 1}" data-hw-content="${look}-2026"><span><b>${t(text)}</b><span>${t(`${text}About`)}</span>
      <i>${t("look")} →</i></span>${shape(bySku.get(sku))}</a>`);
    const icons = ICONS.map(([text, href, sku], index) =>
      `<a href="${href}" data-hw-slot="${index + 1}">${picture(bySku.get(sku))}<span>${t(text)}</span></a>`);
    return `${searchForm()}<section class="banner" data-hw-module="banner">${banner.join("")}</section>
      <nav class="icons" data-hw-module="icons">${icons.join("")}</nav><h2>${t("picked")}</h2>
      ${cards("feed", products.filter((_, index) => index % 2 === 0 || index > 11))}`;
  },
  search() {
    const words = query.get("q")?.trim() ?? "", category = query.get("category");
    const fits = (one) => (!category || one.category === category) && `${one.name} ${one.category}`.toLowerCase().includes(words.toLowerCase());
    const found = products.filter(fits);
    const title = category ? safe(t(category)) : words ? `${t("results")}: ${safe(words)}` : t("everything");
    return searchForm(words) + heading(title, found.length ? "" : t("nothing")) + cards("results", found);
  },
  campaign() {
    const [title, about, fits] = query.get("c") === "new" ? CAMPAIGNS.new : CAMPAIGNS.autumn;
    return heading(t(title), t(about)) + cards("goods", products.filter(fits));
  },
  detail() {
    const product = parent(bySku.get(query.get("sku")) ?? products[0]);
    return `${buying(product)}<h2>${t("alsoLike")}</h2>${cards("recommend", similar(product))}`;
  },
  cart() {
    const lines = read("cart", []);
    if (!lines.length) return heading(t("cart"), t("empty")) + `<a class="main" href="index.html">${t("shopOn")}</a>`;
    const rows = lines.map(({ sku, quantity }) => {
      const one = bySku.get(sku);
      return `<li>${picture(parent(one))}<a href="${details(parent(one))}">${named(parent(one))} ${one.size ?? ""}</a><span>× ${quantity}</span>
        <b>${money(one.list_price * quantity)}</b><button class="quiet" data-remove="${sku}">${t("remove")}</button></li>`;
    });
    return `${heading(t("cart"))}<ul class="lines">${rows.join("")}</ul><p class="total">${t("total")} <b>${money(total(lines))}</b></p>
      <div data-hw-module="checkout"><a class="main" href="order.html">${t("checkout")}</a></div>`;
  },
  order() {
    return `${heading(t("order"))}<form class="order" data-hw-module="checkout"><p class="total">${t("total")} <b>${money(total(read("cart", [])))}</b></p>
      <label>${t("name")}<input name="user" required maxlength="40" autocomplete="off" value="${safe(read("user", ""))}"></label>
      <p class="quiet">${t("nameAbout")}</p><button class="main" type="submit">${t("pay")}</button></form>`;
  },
  /* A single-page app: it opens products by history.pushState with a state of its own. */
  app() {
    const sku = query.get("sku");
    history.replaceState({ view: sku ? "detail" : "app", sku, scroll: 0 }, "");
    addEventListener("popstate", (event) => show(event.state ?? { view: "app" }));
    main.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-sku],a[data-back]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const state = link.dataset.sku ? { view: "detail", sku: link.dataset.sku, scroll: 0 } : { view: "app", scroll: 0 };
      history.replaceState({ ...history.state, scroll: scrollY }, "");
      history.pushState(state, "", state.sku ? `app.html?sku=${state.sku}` : "app.html");
      show(state);
    });
    return view({ view: sku ? "detail" : "app", sku });
  },
};

const inApp = (module, list) => cards(module, list).replaceAll("detail.html?", "app.html?");

function view({ view: type, sku }) {
  dataset.hwPageType = type;
  dataset.hwPageSku = sku ?? "";
  if (type === "app") return heading(t("picks"), t("picksAbout")) + inApp("picks", products.slice(0, 12));
  const product = parent(bySku.get(sku) ?? products[0]);
  return `<a href="app.html" data-back>← ${t("back")}</a>${buying(product)}<h2>${t("alsoLike")}</h2>${inApp("recommend", similar(product))}`;
}

function show(state) {
  main.innerHTML = view(state);
  scrollTo(0, state.scroll ?? 0);
}

// What shoppers do

const total = (lines) => lines.reduce((sum, { sku, quantity }) => sum + bySku.get(sku).list_price * quantity, 0);

function say(text) {
  const toast = document.querySelector(".toast");
  toast.textContent = text;
  toast.classList.add("on");
  setTimeout(() => toast.classList.remove("on"), 1600);
}

function add(sku) {
  const lines = read("cart", []), known = lines.find((line) => line.sku === sku);
  if (known) known.quantity += 1;
  else lines.push({ sku, quantity: 1 });
  write("cart", lines);
  say(t("added"));
  frame();
}

function choose(button) {
  for (const one of document.querySelectorAll("[data-size]")) one.classList.toggle("on", one === button);
  const buy = document.querySelector("#add");
  buy.disabled = false;
  buy.dataset.add = buy.dataset.hwSku = button.dataset.size;
}

async function pay(form) {
  const user = new FormData(form).get("user").trim(), lines = read("cart", []);
  if (!user || !lines.length) return;
  window.headwater?.identify(user);
  write("user", user);
  const answer = await fetch("orders", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user_id: user, lines }),
  }).catch(() => ({ ok: false }));
  if (!answer.ok) return say(t("failed"));
  const { order_id, next } = await answer.json();
  write("cart", []);
  frame();
  main.innerHTML = `${heading(t("thanks"), `${t("number")} <code id="order-id">${safe(order_id)}</code>`)}
    <p>${t("next")}</p><pre>${safe(next)}</pre><a class="main" href="index.html">${t("shopOn")}</a>`;
}

document.addEventListener("click", (event) => {
  const at = (name) => event.target.closest(`[data-${name}]`);
  if (at("add")) add(at("add").dataset.add);
  if (at("size")) choose(at("size"));
  if (at("remove")) {
    write("cart", read("cart", []).filter((line) => line.sku !== at("remove").dataset.remove));
    main.innerHTML = PAGES.cart();
    frame();
  }
  if (at("consent")) {
    write("consent", !read("consent", true));
    window.headwater?.consent(read("consent", true));
    frame();
  }
  if (at("leave")) {
    localStorage.removeItem("shop.user");
    window.headwater?.forget();
    frame();
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".order")) return;
  event.preventDefault();
  pay(event.target);
});

// Parts of all pages

function frame() {
  const count = read("cart", []).reduce((sum, line) => sum + line.quantity, 0), user = read("user", "");
  const other = new URLSearchParams(location.search);
  other.set("lang", language === "zh" ? "en" : "zh");
  document.querySelector("body > header").innerHTML = `<a class="logo" href="index.html"><svg viewBox="0 0 32 32" aria-hidden="true">
    <circle cx="16" cy="16" r="16" fill="#0f5c5c"/><path d="M6 14q5-5 10 0t10 0M6 20q5-5 10 0t10 0" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></svg>
    <b>${language === "zh" ? "溪集" : "Rill & Co"}</b><small>${t("tagline")}</small></a>
    <nav data-hw-module="nav"><a href="campaign.html?c=autumn">${t("autumn")}</a><a href="campaign.html?c=new">${t("newest")}</a>
    <a href="app.html">${t("onePage")}</a><a class="cart" href="cart.html">${t("cart")} <b>${count}</b></a></nav>
    <a class="quiet" href="?${safe(other)}" lang="${language === "zh" ? "en" : "zh"}">${t("language")}</a>`;
  document.querySelector("body > footer").innerHTML = `<p>${user ? `${t("hello")}, ${safe(user)} · <button data-leave>${t("signOut")}</button> · ` : ""}${t("fine")}</p>
    <p>${read("consent", true) ? t("measured") : t("notMeasured")} · <button data-consent>${read("consent", true) ? t("turnOff") : t("turnOn")}</button></p>`;
}

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
document.title = language === "zh" ? "溪集" : "Rill & Co";
frame();
main.innerHTML = PAGES[document.body.dataset.page]();
// A page restored from the back/forward cache must show the present cart.
addEventListener("pageshow", ({ persisted }) => persisted && frame());
