// The SQL page: keys, searching the tables, showing results. The editor is in sql_editor.js.
(function () {
  "use strict";
  var pause = null;
  function area() { return document.getElementById("sql-text"); }

  // The page is rendered again with the result: restore the keyboard focus.
  function keepFocus() {
    var old = area(), active = document.activeElement, isInEditor = window.headwaterEditor.hasFocus();
    var isOurs = isInEditor || active === document.body || active.id === "sql-run" || active.closest("#sql-parameters");
    if (!old || !isOurs) { return; }
    var id = active === document.body ? "sql-run" : active.id, start = old.selectionStart, end = old.selectionEnd, tries = 0;
    var timer = window.setInterval(function () {
      var isNew = area() && area() !== old, isDone = isNew && document.activeElement !== document.body;
      if (isNew && !isDone && isInEditor) {
        area().setSelectionRange(start, end);
        isDone = window.headwaterEditor.focus();
      } else if (isNew && !isDone) {
        (document.getElementById(id) || document.getElementById("sql-run")).focus({ preventScroll: true });
        isDone = true;
      }
      tries += 1;
      if (tries > 60 || isDone) { window.clearInterval(timer); }
    }, 50);
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sql: {
      begin: function (isAuto) {
        if (isAuto) { window.setTimeout(function () { document.getElementById("sql-run").click(); }, 0); }
        return window.dash_clientside.no_update;
      },
      go: function (done) {
        if (done && done.href) {
          keepFocus();
          window.headwaterGo(done.href, done.is_auto);
        }
        return done && done.error ? done.error : "";
      },
      // Send the query when typing pauses, if it may contain parameters or contained some before.
      named: function (text) {
        window.clearTimeout(pause);
        var mayHave = (text || "").indexOf("$") >= 0 || document.querySelector("#sql-parameters input");
        return new Promise(function (done) {
          if (!mayHave) { done(window.dash_clientside.no_update); return; }
          pause = window.setTimeout(function () { done(text); }, 400);
        });
      },
      // The value of each parameter; values of removed parameters are kept, in case the parameters come back.
      values: function (_shown, before) {
        var all = Object.assign({}, before);
        window.dash_clientside.callback_context.inputs_list[0].forEach(function (one) { all[one.id.name] = one.value || ""; });
        return all;
      }
    }
  });

  document.addEventListener("keydown", function (event) {
    var isParameter = event.target.closest && event.target.closest("#sql-parameters") && event.target.tagName === "INPUT";
    if (event.key === "Enter" && (event.target.id === "sql-text" || isParameter) && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      // Dash stores a parameter's value a moment after it was typed, so wait before running the query.
      window.setTimeout(function () { document.getElementById("sql-run").click(); }, isParameter ? 60 : 0);
    }
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button[data-insert]");
    if (button && area()) { window.headwaterEditor.insert(button.dataset.insert); }
  });

  // After a change of language or theme keep the unsaved text of the editor.
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a.tool[href^='/sql']");
    var text = area();
    var card = text && text.closest("[data-sql]");
    if (!link || !card || text.value === card.dataset.sql || text.value.length > 3000) { return; }
    var address = new URL(link.href);
    ["saved", "result"].forEach(function (key) { address.searchParams.delete(key); });
    address.searchParams.set("q", text.value);
    link.href = address.pathname + address.search;
  }, true);

  function element(tag, text, name) {
    var made = document.createElement(tag);
    made.textContent = text;
    if (name) { made.className = name; }
    return made;
  }

  function columnsOf(table) {
    if (!table.headwaterColumns) { table.headwaterColumns = JSON.parse(table.dataset.columns); }
    return table.headwaterColumns;
  }

  // Render a table's columns when it is opened: name, type, description.
  function writeOut(table) {
    var place = table.querySelector(".columns");
    if (place.firstChild) { return; }
    var list = document.createElement("ul");
    columnsOf(table).forEach(function (column) {
      var item = document.createElement("li");
      var button = element("button", column[0], "insert");
      button.type = "button";
      button.dataset.insert = column[0];
      item.append(button, element("span", column[1], "type"), element("span", column[2]));
      list.append(item);
    });
    place.append(list);
  }

  document.addEventListener("toggle", function (event) {
    if (event.target.open && event.target.dataset.columns) { writeOut(event.target); }
  }, true);

  document.addEventListener("input", function (event) {
    if (event.target.id !== "sql-find") { return; }
    var wanted = event.target.value.trim().toLowerCase();
    var number = 0;
    document.querySelectorAll(".tables details").forEach(function (table) {
      var has = columnsOf(table).map(function (column) { return wanted !== "" && column.join(" ").toLowerCase().includes(wanted); });
      var isNamed = columnsOf(table).some(function (column) { return wanted !== "" && column[0].toLowerCase().includes(wanted); });
      var head = table.querySelector("summary").textContent + " " + table.querySelector("p").textContent;
      var isShown = !wanted || head.toLowerCase().includes(wanted) || has.some(Boolean);
      table.hidden = !isShown;
      table.open = isNamed && wanted.length > 2;
      if (table.open || table.querySelector("li")) {
        writeOut(table);
        table.querySelectorAll("li").forEach(function (item, place) { item.classList.toggle("found", has[place]); });
      }
      number += isShown ? 1 : 0;
    });
    document.getElementById("sql-none").hidden = number > 0;
  });
})();
