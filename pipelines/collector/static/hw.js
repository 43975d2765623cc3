// @ts-check
// Headwater's tracker; docs/tracking.md describes it. It never throws into the page.
(() => {
  /** @typedef {{key?: string, id?: number, seen: Set<number>, url: string, due: any}} Page `due`: its page view */

  const w = /** @type {any} */ (window);
  const { document, history, location, navigation, navigator } = w;
  const tag = document.currentScript || document.querySelector('script[src*="hw.js"]');
  if (w.headwater || !tag) return;
  const options = tag.dataset;
  const endpoint = options.endpoint || new URL("e", tag.src).href;
  const ratio = +options.exposureRatio || 0.5;
  const WAIT = 5000, MOST_SENT = 50, MOST_KEPT = 500;
  const SHOWN = "[data-hw-slot]:not([data-hw-action]),[data-hw-sku]:not([data-hw-action])";
  const CLICKED =
    "[data-hw-slot],[data-hw-sku],[data-hw-content],[data-hw-action],a,button,[role=button],[type=submit]";
  const AD =
    /[?&](([dgy]|fb|t[tw])clid|msclkid|[gw]braid|qhclickid|(bd|gdt)_vid|qz_gdt|weixinadinfo|li_fat_id|ScCid|rdt_cid)=/;
  const { replaceState } = history;

  /** @type {Page | undefined} undefined: nothing is recorded */
  let page;
  let user, address, observer, timer, retryTimer, queue = [], pause = 0, resumeAt = 0, stamp = 0, count = 0;
  let isReady = document.readyState === "complete";
  const timers = new Map();

  const safe = (act) => (...args) => { try { return act(...args); } catch {} };

  // Storage. If it is forbidden, reading throws.

  const get = (name) => localStorage.getItem("hw." + name);
  const set = (name, value) => {
    if (name === "consent" || isAllowed()) localStorage.setItem("hw." + name, value);
  };
  const isAllowed = () => !navigator.globalPrivacyControl && (get("consent") || options.consent || "yes") === "yes";
  const list = (text) => [safe(JSON.parse)(text)].flat().filter((one) => Object(one) === one);
  const wipe = () => {
    sessionStorage.removeItem("hw.pages");
    for (const name of Object.keys(localStorage)) if (name.startsWith("hw.")) localStorage.removeItem(name);
  };

  /** A UUID of version 7, ascending within a tab. */
  const uuid = () => {
    const now = Date.now();
    count = now > stamp ? 0 : count + 1;
    stamp = Math.max(stamp, now);
    const hex = (value, size) => value.toString(16).padStart(size, "0");
    const [a, b] = crypto.getRandomValues(new Uint32Array(2)), time = hex(stamp, 12), tail = hex(a, 8) + hex(b, 8);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(count & 4095, 3)}-8${tail.slice(1, 4)}-${tail.slice(4)}`;
  };

  const device = () => {
    if (!get("device")) set("device", uuid());
    return get("device");
  };

  // Pages. A history entry has a key (Navigation API) or our mark in history.state.

  // A URL's fragment counts only if it is a route, such as #/cart.
  const addressNow = () => location.pathname + location.search + (/^#[/!]/.test(location.hash) ? location.hash : "");
  const saved = () => list(sessionStorage.getItem("hw.pages"));

  /** @returns {[key: string, id: number, seen: number[]] | undefined} */
  const recall = () => {
    const key = navigation ? navigation.currentEntry?.key : history.state?.hw;
    return saved().find((one) => one[0] === key);
  };

  /** @param {Page} of */
  const save = (of) => {
    if (!of.id || !of.key || !isAllowed()) return;
    const all = saved().filter((one) => one[0] !== of.key);
    all.push([of.key, of.id, [...of.seen]]);
    sessionStorage.setItem("hw.pages", JSON.stringify(all.slice(-50)));
  };

  /** Tie the history entry to the page *of*. A new entry's mark may be a copy of another's. */
  const mark = (of, isNew) => {
    if (navigation) of.key = navigation.currentEntry?.key;
    else if (!of.key || (isNew && history.state?.hw !== of.key)) {
      const { state } = history;
      // A router that is starting would take our state for its own.
      if (state === null ? !isReady : Object.getPrototypeOf(state) !== Object.prototype) return;
      of.key ||= uuid();
      replaceState.call(history, { ...state, hw: of.key }, "");
    }
    save(of);
  };

  /** Give the page *of* its PageId. */
  const take = (of) => {
    if (of.id) return;
    const now = Date.now(), last = +get("last");
    of.id = Math.max(Number.isSafeInteger(last) ? last + 1 : 0, now);
    set("last", of.id);
    save(of);
    // Another tab sees it later. Wait a millisecond: it must not take this PageId.
    for (let turn = 0; turn < 1e5 && Date.now() === now; turn++);
  };

  /** Show a new page or, if *known*, an earlier one again. */
  const begin = (known, isLoad) => {
    if (page) {
      view();
      take(page);
      save(page);
    }
    const [key, id, seen] = known || [];
    const due = { device_time: Date.now() };
    const at = (page = { key, id, seen: new Set(seen), url: location.origin + location.pathname, due });
    address = addressNow();
    mark(at, !isLoad);
    if (!known) {
      const query = new URLSearchParams(location.search);
      for (const name of ["source", "medium", "campaign"]) due["utm_" + name] = text(query.get("utm_" + name));
      due.click_id = AD.exec(location.search)?.[1];
      if (isLoad) due.referrer = text(document.referrer.replace(/[?#].*/, ""));
      const number = safe(() => take(at));
      if (navigator.locks) navigator.locks.request("hw", number).catch(number);
      else number();
    }
    // Apps may set the page type after the address.
    if (isLoad && said("type")) view();
    else setTimeout(() => page === at && safe(view)(), 500);
    watch();
  };

  /** The history entry has changed in the document. */
  const moved = (type) => {
    if (!page) return;
    const isBack = type !== "push" && type !== "replace";
    const known = isBack ? recall() : undefined;
    if (known ? known[1] !== page.id : address !== addressNow()) begin(known);
    else if (navigation || !isBack) mark(page, true);
  };

  const arrive = () => {
    if (page || !isAllowed()) return;
    device(); // throws if storage is forbidden
    if (user) set("user", user);
    begin(w.performance.getEntriesByType("navigation")[0]?.type === "navigate" ? undefined : recall(), true);
    retry();
  };

  const leave = ({ type }) => {
    if (!page) return;
    isReady = true;
    take(page);
    mark(page, type === "pagehide");
    rest();
    view();
    flush(true);
  };

  // Events

  const text = (value) => (value == null || value === "" ? undefined : String(value));
  const said = (name) => {
    name = "hw-page-" + name;
    const at = document.querySelector(`[data-${name}],meta[name=${name}]`);
    return text(at?.getAttribute("data-" + name) || at?.content);
  };

  const record = (type, fields) => {
    if (!page || !isAllowed()) return;
    const at = page;
    view();
    queue.push({
      event_id: uuid(),
      device_id: device(),
      user_id: text(get("user")),
      event_type: type,
      get page_id() { return at.id; }, // not known yet
      page_type: said("type"),
      page_url: at.url,
      device_time: Date.now(),
      app_version: options.appVersion,
      ...fields,
    });
    if (queue.length === 10) setTimeout(flush);
    timer ||= setTimeout(flush, WAIT);
  };

  const view = () => {
    const due = page?.due;
    if (!due) return;
    page.due = 0;
    record("page_view", { sku: said("sku"), ...due });
  };

  const pick = ({ module, slot, sku, content_id }) => ({
    module: text(module),
    slot: parseInt(slot, 10) || undefined,
    sku: text(sku),
    content_id: text(content_id),
  });

  /** The attributes of *element* and its ancestors up to its module. The innermost counts. */
  const place = (element) => {
    /** @type {any} */
    const found = {};
    for (; element && !found.module; element = element.parentElement) {
      const { hwAction, hwSlot, hwSku, hwContent, hwModule } = element.dataset;
      found.action ||= hwAction;
      found.slot ||= hwSlot;
      found.sku ||= hwSku;
      found.content_id ||= hwContent;
      found.module = hwModule;
    }
    return found;
  };

  const clicked = ({ target, type, button, isTrusted }) => {
    if (!page || !isTrusted || (type === "auxclick" && button !== 1)) return;
    const at = place(target.closest(CLICKED));
    if (Object.values(at).some(Boolean)) record(at.action || "click", pick(at));
  };

  // Exposure

  const exposed = (element) => {
    timers.delete(element);
    if (!page || element.querySelector(SHOWN)) return; // the inner element is the slot
    const fields = pick(place(element));
    let hash = 0;
    for (const sign of JSON.stringify(fields)) hash = (hash * 31 + sign.charCodeAt(0)) | 0;
    if (page.seen.has(hash)) return;
    page.seen.add(hash);
    record("exposure", fields);
  };

  const rest = () => {
    timers.forEach(clearTimeout);
    timers.clear();
  };

  const observe = (root) => root.querySelectorAll(SHOWN).forEach((one) => observer.observe(one));

  /** Observe all again, which reports the state of each. */
  const watch = () => {
    if (!page || !observer) return;
    rest();
    observer.disconnect();
    observe(document);
  };

  const crossed = (entries) => {
    for (const { target, intersectionRatio } of entries) {
      clearTimeout(timers.get(target));
      timers.delete(target);
      if (page && intersectionRatio >= ratio)
        timers.set(target, setTimeout(safe(exposed), +options.exposureMs || 1000, target));
    }
  };

  const changed = (changes) => {
    for (const { target, attributeName, addedNodes } of changes) {
      if (attributeName) observer.unobserve(target);
      for (const node of attributeName ? [target] : addedNodes)
        if (node.matches) {
          if (node.matches(SHOWN)) observer.observe(node);
          if (!attributeName) observe(node);
        }
    }
  };

  // Sending. What fails waits in localStorage.

  const kept = () => list(get("queue"));
  const drop = (events) => set("dropped", +get("dropped") + events);

  const keep = (batch) => {
    const all = [...kept(), ...batch];
    if (all.length > MOST_KEPT) drop(all.length - MOST_KEPT);
    set("queue", JSON.stringify(all.slice(-MOST_KEPT)));
  };

  const flush = safe((isLeaving) => {
    clearTimeout(timer);
    timer = 0;
    if (!isAllowed()) queue = [];
    if (!page || !queue.length) return;
    if (!page.id) return (timer = setTimeout(flush, 50));
    const batch = queue.splice(0, MOST_SENT);
    // A page that is left cannot notice that sending failed.
    if (Date.now() < resumeAt || (isLeaving && !navigator.onLine)) keep(batch);
    else post(batch, isLeaving);
    flush(isLeaving);
  });

  const post = (batch, isLeaving, wasKept) => {
    const body = JSON.stringify({ sent_time: Date.now(), events: batch });
    const failed = safe(() => {
      if (!wasKept) keep(batch);
      pause = Math.min(pause * 2 || WAIT, 300000);
      resumeAt = Date.now() + pause;
      clearTimeout(retryTimer);
      retryTimer = setTimeout(retry, pause);
    });
    const answered = safe(({ ok, status }) => {
      if (status >= 500 || status === 429) return failed();
      pause = resumeAt = 0;
      if (!ok) drop(batch.length);
      const isOther = ({ event_id }) => !batch.some((event) => event.event_id === event_id);
      if (!wasKept) return;
      set("queue", JSON.stringify(kept().filter(isOther)));
      retry();
    });
    // Plain text needs no CORS preflight.
    if (isLeaving && !("keepalive" in Request.prototype)) navigator.sendBeacon(endpoint, body) || keep(batch);
    else fetch(endpoint, { method: "POST", body, keepalive: true, credentials: "omit" }).then(answered, failed);
  };

  const retry = safe(() => {
    resumeAt = 0;
    const batch = page ? kept().slice(0, MOST_SENT) : [];
    if (batch.length) post(batch, false, true);
  });

  const identify = safe((id) => {
    user = text(id);
    if (!user) return localStorage.removeItem("hw.user");
    if (user === get("user")) return;
    set("user", user);
    record("identify"); // links the device to its user
    flush();
  });

  w.headwater = {
    identify,
    forget: () => identify(),
    consent: safe((isGiven) => {
      if (navigator.globalPrivacyControl) return;
      if (!isGiven) {
        wipe();
        rest();
        queue = [];
        page = undefined;
      }
      set("consent", isGiven ? "yes" : "no");
      arrive();
    }),
    track: safe((type, fields) => type && record(String(type), pick(fields || {}))),
    get page_id() { return page?.id; },
    get dropped() { return +safe(get)("dropped") || 0; },
  };

  safe(() => {
    if (navigator.globalPrivacyControl) return wipe();
    const on = (name, act, target = w) => target.addEventListener(name, safe(act), true);
    on("click", clicked);
    on("auxclick", clicked);
    on("pagehide", leave);
    on("visibilitychange", (event) => (document.hidden ? leave(event) : watch()));
    on("online", retry);
    on("DOMContentLoaded", () => {
      isReady = true;
      mark(page);
    });
    on("pageshow", ({ persisted }) => {
      if (!persisted) return;
      if (!page) return arrive();
      page.due = { device_time: Date.now() };
      view();
      watch();
      retry();
    });
    if (navigation) on("currententrychange", ({ navigationType }) => moved(navigationType), navigation);
    else {
      for (const name of ["push", "replace"]) {
        const original = history[name + "State"];
        history[name + "State"] = function (...args) {
          original.apply(this, args);
          safe(moved)(name);
        };
      }
      on("popstate", () => moved());
    }
    // A prerendered page may never be shown.
    if (document.prerendering) on("prerenderingchange", arrive, document);
    else safe(arrive)();
    observer = new IntersectionObserver(safe(crossed), { threshold: ratio });
    watch();
    new MutationObserver(safe(changed)).observe(document, {
      childList: true,
      subtree: true,
      attributeFilter: ["module", "slot", "sku", "content"].map((name) => "data-hw-" + name),
    });
  })();
})();
