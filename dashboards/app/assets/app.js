// The browser's part of the app: the address, keyboard focus, sorted tables. Charts: charts.js.
(function () {
  "use strict";

  // The address of the page that is shown, including its days; the browser's address may lack the days.
  function shown() {
    var page = document.getElementById("page");
    return new URLSearchParams(page ? page.dataset.href.split("?")[1] : window.location.search);
  }

  // The address that was last requested from the server; once the page is shown, its own address with the days filled in.
  var asked = "";
  function address() { return window.location.pathname + window.location.search; }

  // Ask the server for the page at the browser's address.
  function ask() {
    if (address() === asked) { return; }  // only the part after "#" is new
    asked = address();
    window.dash_clientside.set_props("address", { data: asked });
  }

  // Open a page of the app without reloading the app.
  function go(href, isReplacing) {
    window.history[isReplacing ? "replaceState" : "pushState"]({}, "", href);
    ask();
  }
  window.headwaterGo = go;
  window.addEventListener("popstate", ask);

  function gathered(name) {
    var all = {};
    document.querySelectorAll("[data-" + name + "]").forEach(function (place) { Object.assign(all, JSON.parse(place.dataset[name])); });
    return all;
  }

  function changed(update) {
    var given = shown();
    var before = given.toString();
    Object.keys(update).forEach(function (key) {
      var values = [].concat(update[key]).filter(function (value) { return value !== null && value !== undefined && value !== ""; });
      if (given.getAll(key).join() === values.join()) { return; }
      given.delete(key);
      values.forEach(function (value) { given.append(key, value); });
    });
    if (given.toString() !== before) { go("?" + given.toString()); }
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    headwater: {
      begin: function () { return asked = address(); },
      set: function () {
        // Rendering a control also triggers this function; its value then equals that in the address, so nothing changes.
        var context = window.dash_clientside.callback_context;
        var update = {};
        var defaults = Object.assign({ compare: "previous" }, gathered("defaults"));
        var clears = gathered("clears");
        (context.triggered || []).forEach(function (one) {
          var key = JSON.parse(one.prop_id.slice(0, one.prop_id.lastIndexOf("."))).key;
          update[key] = [].concat(one.value).join("\n") === (defaults[key] || "") ? null : one.value;
          if (String(update[key] || "") !== shown().getAll(key).join()) { (clears[key] || []).forEach(function (other) { update[other] = null; }); }
        });
        changed(update);
      },
      days: function (value) {
        if (value && value[0] && value[1]) { changed({ from: value[0], to: value[1] }); }
      },
      find: function (count, text) {
        if (!count || !text || !text.trim()) { return; }
        var given = shown();
        var kept = new URLSearchParams();
        given.forEach(function (value, key) { if (/^(from|to|compare|lang|theme|in\..*)$/.test(key)) { kept.append(key, value); } });
        kept.set("q", text.trim());
        go("/search?" + kept.toString());
      }
    }
  });

  var waiting = null;
  function soon() { if (waiting === null) { waiting = window.setTimeout(function () { waiting = null; settle(); }, 60); } }

  // Apply the page's data attributes: its address with the days filled in, its title, its language.
  function settle() {
    var page = document.getElementById("page");
    if (!page) { return; }
    if (page.dataset.title && document.title !== page.dataset.title) { document.title = page.dataset.title; }
    document.documentElement.lang = page.lang;
    document.documentElement.dataset.theme = page.dataset.theme;
    document.body.dataset.agThemeMode = page.dataset.theme;
    var filters = page.querySelector(".filters");
    if (filters && filters.open !== unfolded) { filters.open = unfolded; }
    var href = page.dataset.href;
    if (href && page.dataset.settled !== href) {
      page.dataset.settled = href;
      if (address() !== href) { window.history.replaceState(window.history.state, "", href + window.location.hash); }
      asked = href;
    }
    reach();
    fit();
  }

  // On a phone: scroll the menu to the open page, and make grids narrow.
  function fit() {
    if (window.innerWidth > 600) { return; }
    var here = document.querySelector(".menu a.here");
    if (here) { here.parentElement.closest(".menu").scrollLeft = here.offsetLeft - 100; }
    if (!window.dash_ag_grid) { return; }
    document.querySelectorAll(".grid-table > [id]").forEach(function (grid) {
      window.dash_ag_grid.getApiAsync(JSON.parse(grid.id)).then(narrow);
    });
  }

  // A grid on a phone: the names wrap in a narrow pinned column, then come the columns of numbers, then other texts.
  function narrow(api) {
    var columns = api.getColumnDefs();
    if (!columns || !columns.length || columns[0].maxWidth === NAMES) { return; }
    var names = Object.assign({}, columns[0], {
      pinned: "left", flex: null, width: NAMES, minWidth: NAMES, maxWidth: NAMES, wrapText: true, autoHeight: true
    });
    var isNumber = function (column) { return column.type === "rightAligned"; };
    var others = columns.slice(1);
    api.setGridOption("columnDefs", [names].concat(
      others.filter(isNumber), others.filter(function (column) { return !isNumber(column); })
    ));
  }
  var NAMES = 140;  // pixels

  // Scroll to the element that the link names after "#"; it exists only after the page has been rendered.
  var reached = "";
  function reach() {
    var place = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
    if (!place || reached === window.location.href) { return; }
    reached = window.location.href;
    place.scrollIntoView();
  }
  window.addEventListener("hashchange", function () { reached = window.location.href; });

  // The content of a folded part is kept as data and rendered only when the part is unfolded.
  document.addEventListener("toggle", function (event) {
    var place = event.target.open && event.target.querySelector(":scope > [data-later]");
    if (!place || place.firstChild) { return; }
    window.headwaterReady(place.dataset.later).then(function () {
      window.dash_clientside.set_props(JSON.parse(place.id), { children: JSON.parse(place.dataset.later) });
    });
  }, true);

  // Filters that were unfolded stay unfolded when the page is rendered again.
  var unfolded = false;
  document.addEventListener("toggle", function (event) { if (event.target.matches(".filters") && event.target.isConnected) { unfolded = event.target.open; } }, true);

  // The page is rendered again after every choice: restore the keyboard focus and text still being typed.
  var CONTROLS = "#page .top, #page .bar, #page .tabs, #page .controls";
  var FIELDS = "a[href], button, input:not([type=hidden]), textarea, select";
  var focused = null;

  function isTyped(field) { return field.tagName === "INPUT" && !field.readOnly && !field.getAttribute("aria-haspopup"); }

  function note(field) {
    focused.value = field.value;
    focused.start = field.selectionStart;
    focused.end = field.selectionEnd;
  }

  document.addEventListener("focusin", function (event) {
    var field = event.target;
    var group = field.closest(CONTROLS);
    if (group) {
      focused = {
        field: field, group: Array.from(document.querySelectorAll(CONTROLS)).indexOf(group),
        place: Array.from(group.querySelectorAll(FIELDS)).indexOf(field), typedAt: 0
      };
    } else if (field.closest("#page") && !field.closest("[data-table]")) { focused = null; }  // a popup belongs to the control that opened it
  });

  document.addEventListener("focusout", function (event) {
    window.setTimeout(function () {
      if (focused && focused.field === event.target && event.target.isConnected && document.activeElement === document.body) { focused = null; }
    }, 0);
  });

  document.addEventListener("input", function (event) {
    if (focused && focused.field === event.target && isTyped(event.target)) { focused.typedAt = Date.now(); note(event.target); }
  });

  // A group of the menu is open while it has the keyboard focus. A click on a page or Escape removes the focus.
  function closeMenu() { if (document.activeElement.closest(".menu .group")) { focused = null; document.activeElement.blur(); } }
  document.addEventListener("click", function (event) { if (event.target.closest(".menu .pages a")) { window.setTimeout(closeMenu, 0); } });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") { closeMenu(); } });

  window.addEventListener("popstate", function () { if (focused) { focused.typedAt = 0; } });

  function refocus() {
    if (!focused || focused.field.isConnected || document.activeElement !== document.body) { return; }
    var was = focused;
    var group = document.querySelectorAll(CONTROLS)[was.group];
    var field = group && group.querySelectorAll(FIELDS)[was.place];
    if (!field || field.tagName !== was.field.tagName) { return; }
    field.focus({ preventScroll: true });
    if (!isTyped(field) || Date.now() - was.typedAt > 5000) { return; }
    if (field.value !== was.value) {  // the user kept typing while the answer was loading
      Object.getOwnPropertyDescriptor(window.HTMLInputElement.prototype, "value").set.call(field, was.value);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    field.setSelectionRange(was.start, was.end);
  }

  // After sorting a table keep the scroll positions of the page and of the table.
  var sorting = null;

  function scroller(link) {
    var table = link.closest("[data-table]");
    return table && (table.querySelector(".ag-center-cols-viewport") || table.closest(".scroll"));
  }

  function keepSorting(link) {
    var place = scroller(link);
    sorting = { sort: link.dataset.sort, href: link.href, left: place ? place.scrollLeft : 0, looks: 200 };
    window.setTimeout(resort, 100);
  }

  // A grid lays out its columns more than once, and rendering takes time: restore the position several times after
  // its heading exists again.
  function resort() {
    if (!sorting) { return; }
    if (sorting.looks === 0) { sorting = null; return; }
    sorting.looks -= 1;
    window.setTimeout(resort, 100);
    var head = document.querySelector('[data-sort="' + window.CSS.escape(sorting.sort) + '"]');
    if (!head || head.href === sorting.href) { return; }  // not rendered again yet
    sorting.looks = Math.min(sorting.looks, 12);
    if (document.activeElement === document.body) { head.focus({ preventScroll: true }); }
    var place = scroller(head);
    if (place && place.scrollLeft !== sorting.left) { place.scrollLeft = sorting.left; }
  }

  ["wheel", "touchstart", "pointerdown", "keydown"].forEach(function (kind) {
    document.addEventListener(kind, function () { sorting = null; }, { capture: true, passive: true });
  });

  new MutationObserver(function () { refocus(); soon(); }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-href"] });

  document.addEventListener("keydown", function (event) {
    var link = event.key === "Enter" && event.target.matches && event.target.matches(".ag-cell") && event.target.querySelector("a[href]");
    if (link) { link.click(); }
  });

  // Links within the app change the address without reloading the app.
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return; }
    if (link.hasAttribute("download") || link.target || link.origin !== window.location.origin || !link.getAttribute("href").startsWith("/") || link.pathname.startsWith("/export/")) { return; }
    event.preventDefault();
    go(link.href);
    if (link.dataset.sort) { keepSorting(link); } else { window.scrollTo(0, 0); }
  });
})();
