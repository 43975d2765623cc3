// The page of SQL: keys, names that go into the editor, the search in the tables, where a result is shown.
(function () {
  "use strict";
  function editor() { return document.getElementById("sql-text"); }

  // As if it were typed, so that the page's own state follows.
  function write(area, text) {
    Object.getOwnPropertyDescriptor(window.HTMLTextAreaElement.prototype, "value").set.call(area, text);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sql: {
      go: function (done) {
        if (done && done.href) {
          window.history[done.is_auto ? "replaceState" : "pushState"]({}, "", done.href);
          window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        }
        return window.dash_clientside.no_update;
      }
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.target.id === "sql-text" && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.getElementById("sql-run").click();
    }
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button[data-insert]");
    var area = editor();
    if (!button || !area) { return; }
    var start = area.selectionStart, end = area.selectionEnd, name = button.dataset.insert;
    var before = start && !/[\s(,.]$/.test(area.value.slice(0, start)) ? " " : "";
    write(area, area.value.slice(0, start) + before + name + area.value.slice(end));
    area.focus();
    area.setSelectionRange(start + before.length + name.length, start + before.length + name.length);
  });

  // Another language or theme keeps what is in the editor and has not been run.
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a.tool[href^='/sql']");
    var area = editor();
    var card = area && area.closest("[data-sql]");
    if (!link || !card || area.value === card.dataset.sql || area.value.length > 3000) { return; }
    var address = new URL(link.href);
    ["saved", "result"].forEach(function (key) { address.searchParams.delete(key); });
    address.searchParams.set("q", area.value);
    link.href = address.pathname + address.search;
  }, true);

  document.addEventListener("input", function (event) {
    if (event.target.id !== "sql-find") { return; }
    var wanted = event.target.value.trim().toLowerCase();
    var number = 0;
    document.querySelectorAll(".tables details").forEach(function (table) {
      var name = table.querySelector("summary").textContent.toLowerCase();
      var columns = Array.prototype.map.call(table.querySelectorAll("li"), function (item) {
        var has = wanted && item.textContent.toLowerCase().includes(wanted);
        item.classList.toggle("found", Boolean(has));
        return has;
      });
      var hasColumn = columns.some(Boolean);
      var isShown = !wanted || name.includes(wanted) || hasColumn || table.textContent.toLowerCase().includes(wanted);
      table.hidden = !isShown;
      table.open = Boolean(wanted) && hasColumn && wanted.length > 2 && !name.includes(wanted);
      number += isShown ? 1 : 0;
    });
    document.getElementById("sql-none").hidden = number > 0;
  });
})();
