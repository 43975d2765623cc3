// The editor of the SQL page: Monaco in place of the text area, with our tables, functions and keywords.
//
// The text area stays in the page: Dash reads the query from it, and touch screens, for which Monaco is not made, keep it.
(function () {
  "use strict";
  var LANGUAGE = "duckdb", ROWS = [8, 20];
  var editor = null, model = null, loading = null, sent = null, card = null, shown = null;

  function area() { return document.getElementById("sql-text"); }
  function place() { return document.getElementById("sql-monaco"); }
  function theme() { return document.documentElement.dataset.theme === "dark" ? "headwater-dark" : "headwater-light"; }

  // Set the value as if it were typed, so that Dash's state follows.
  function write(text) {
    if (!area() || area().value === text) { return; }
    Object.getOwnPropertyDescriptor(window.HTMLTextAreaElement.prototype, "value").set.call(area(), text);
    area().dispatchEvent(new Event("input", { bubbles: true }));
  }

  window.headwaterEditor = {
    // Focuses the editor that the user sees: Monaco or the text area. Returns false if the page was rendered again and
    // Monaco is not yet in it.
    focus: function () {
      if (editor && !editor.getContainerDomNode().isConnected) { return false; }
      if (editor) { editor.focus(); } else { area().focus({ preventScroll: true }); }
      return true;
    },
    hasFocus: function () { return editor ? editor.hasTextFocus() : document.activeElement === area(); },
    insert: function (name) {
      var text = area();
      if (editor) {
        var range = editor.getSelection();
        var before = model.getValueInRange({ startLineNumber: range.startLineNumber, startColumn: 1, endLineNumber: range.startLineNumber, endColumn: range.startColumn });
        editor.pushUndoStop();
        editor.executeEdits("insert", [{ range: range, text: spaced(before, name), forceMoveMarkers: true }]);
        editor.pushUndoStop();
      } else {
        var start = text.selectionStart, made = spaced(text.value.slice(0, start), name);
        write(text.value.slice(0, start) + made + text.value.slice(text.selectionEnd));
        text.setSelectionRange(start + made.length, start + made.length);
      }
      this.focus();
    }
  };

  function spaced(before, name) { return (before && !/[\s(,.]$/.test(before) ? " " : "") + name; }

  // Loading ------------------------------------------------------------------------------------------------

  function load(address, language) {
    loading = loading || script(address + "/loader.js").then(function () {
      var ask = window.require, ready = Promise.resolve(), isChinese = language === "zh";
      // Other libraries that are loaded meanwhile must not register with Monaco's loader.
      delete window.define.amd;
      ask.config({ paths: { vs: address }, "vs/nls": { availableLanguages: { "*": isChinese ? "zh-cn.js" : "" } } });
      // Monaco 0.55 looks for its translations under a wrong address, so they are loaded first.
      if (isChinese) { ready = script(address + "/nls.messages.zh-cn.js.js"); }
      return ready.then(function () {
        return new Promise(function (done, failed) { ask(["vs/editor/editor.main"], done, failed); });
      });
    }).then(function (monaco) { prepare(monaco); return monaco; });
    return loading;
  }

  function script(address) {
    return new Promise(function (done, failed) {
      var made = document.createElement("script");
      made.src = address;
      made.onload = done;
      made.onerror = failed;
      document.head.append(made);
    });
  }

  function words(name) {
    var list = place() && place().dataset[name];
    return list ? list.split(" ") : [];
  }

  function prepare(monaco) {
    monaco.languages.register({ id: LANGUAGE });
    monaco.languages.setLanguageConfiguration(LANGUAGE, {
      comments: { lineComment: "--", blockComment: ["/*", "*/"] },
      brackets: [["(", ")"], ["[", "]"], ["{", "}"]],
      autoClosingPairs: ["()", "[]", "{}", "''", "\"\""].map(function (pair) { return { open: pair[0], close: pair[1], notIn: ["string", "comment"] }; })
    });
    monaco.languages.setMonarchTokensProvider(LANGUAGE, {
      ignoreCase: true,
      keywords: words("keywords"),
      functions: words("functions"),
      tokenizer: {
        root: [
          [/--.*$/, "comment"],
          [/\/\*/, "comment", "@comment"],
          [/'/, "string", "@string"],
          [/"(?:[^"]|"")*"/, "identifier"],
          [/\$[a-z_]\w*/, "variable"],
          [/(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\b/, "number"],
          [/filter(?=\s*\(\s*where\b)/, "keyword"],
          // LEFT, RIGHT and others are functions before a bracket, and keywords elsewhere.
          [/[a-z_]\w*(?=\s*\()/, { cases: { "@functions": "predefined", "@keywords": "keyword", "@default": "identifier" } }],
          [/[^\W\d]\w*/, { cases: { "@keywords": "keyword", "@default": "identifier" } }],
          [/[()[\]{}]/, "@brackets"],
          [/[-+*/%<>=!|&^~:]+/, "operator"]
        ],
        comment: [[/\*\//, "comment", "@pop"], [/[^*]+|\*/, "comment"]],
        string: [[/''/, "string"], [/'/, "string", "@pop"], [/[^']+/, "string"]]
      }
    });
    ["light", "dark"].forEach(function (name) {
      var isDark = name === "dark";
      monaco.editor.defineTheme("headwater-" + name, {
        base: isDark ? "vs-dark" : "vs",
        inherit: true,
        // On our background colour, some colours of Monaco's base theme have too little contrast.
        rules: isDark
          ? [{ token: "keyword", foreground: "6cb8f0" }, { token: "predefined", foreground: "dcc07a" }, { token: "string", foreground: "e39c7f" }, { token: "variable", foreground: "d4a0e0" }, { token: "operator", foreground: "c8d2da" }, { token: "comment", foreground: "86b36c" }]
          : [{ token: "keyword", foreground: "0645ad" }, { token: "predefined", foreground: "795e26" }, { token: "string", foreground: "9a1f1f" }, { token: "number", foreground: "08664a" }, { token: "variable", foreground: "8a1a8f" }, { token: "operator", foreground: "3c4a55" }, { token: "comment", foreground: "3f6b21" }],
        colors: isDark
          ? { "editor.background": "#0f151b", "editor.foreground": "#e4ebf1", "editorLineNumber.foreground": "#8a98a5", "editor.placeholder.foreground": "#a3b1bd" }
          : { "editor.background": "#f3f6f8", "editor.foreground": "#1d2b36", "editorLineNumber.foreground": "#5d6b77", "editor.placeholder.foreground": "#566572" }
      });
    });
    monaco.languages.registerCompletionItemProvider(LANGUAGE, {
      triggerCharacters: [".", " ", "$"],
      provideCompletionItems: function (text, position, context) { return completions(monaco, text, position, context); }
    });
  }

  // The editor ---------------------------------------------------------------------------------------------

  function open(monaco) {
    var box = place(), text = area();
    if (editor && editor.getContainerDomNode() === box) { return; }
    var state = null, isTyping = document.activeElement === text, at = text.selectionStart;
    if (editor) { state = editor.saveViewState(); editor.dispose(); }
    // One text for as long as the browser stays on the site: undo works across results and saved queries.
    if (!model) {
      model = monaco.editor.createModel(text.value, LANGUAGE);
      model.onDidChangeContent(function () { write(model.getValue()); });
    }
    box.replaceChildren();
    box.hidden = false;
    text.hidden = true;
    editor = monaco.editor.create(box, {
      model: model,
      theme: theme(),
      ariaLabel: box.getAttribute("aria-label"),
      placeholder: text.placeholder,
      automaticLayout: true,
      autoIndent: "keep",
      contextmenu: false,
      fixedOverflowWidgets: true,
      folding: false,
      fontFamily: getComputedStyle(text).fontFamily,
      fontSize: 13.5,
      glyphMargin: false,
      lineDecorationsWidth: 8,
      lineNumbersMinChars: 3,
      links: false,
      minimap: { enabled: false },
      occurrencesHighlight: "off",
      overviewRulerLanes: 0,
      padding: { top: 8, bottom: 8 },
      quickSuggestions: { other: true, comments: false, strings: false },
      renderLineHighlight: "none",
      scrollBeyondLastLine: false,
      scrollbar: { alwaysConsumeMouseWheel: false },
      suggest: { showWords: false, showStatusBar: false },
      tabSize: 4,
      unicodeHighlight: { includeComments: false, includeStrings: false },
      wordBasedSuggestions: "off",
      wordWrap: "on"
    });
    if (state) { editor.restoreViewState(state); }
    if (isTyping) { editor.setPosition(model.getPositionAt(at)); editor.focus(); }
    grow(monaco);
    editor.onDidContentSizeChange(function () { grow(monaco); });
    editor.addAction({
      id: "headwater.run",
      label: document.getElementById("sql-run").textContent,
      keybindings: [monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter],
      run: function () { document.getElementById("sql-run").click(); }
    });
    // Tab indents, as in every editor. After Esc it leaves the editor, until something is typed or the focus returns.
    var isFree = "!suggestWidgetVisible && !findWidgetVisible && !parameterHintsVisible && !editorHasSelection && !inSnippetMode && !markersNavigationVisible";
    editor.addCommand(monaco.KeyCode.Escape, function () { editor.updateOptions({ tabFocusMode: true }); }, isFree);
    [editor.onDidFocusEditorText, editor.onDidType].forEach(function (on) { on(function () { editor.updateOptions({ tabFocusMode: false }); }); });
  }

  function grow(monaco) {
    if (!place()) { return; }  // the user has left the page; its editor changes once more
    var line = editor.getOption(monaco.editor.EditorOption.lineHeight);
    var height = Math.min(Math.max(editor.getContentHeight(), line * ROWS[0] + 16), line * ROWS[1] + 16);
    place().style.height = height + "px";
  }

  // Show the query of a newly rendered page in the editor, except what was typed while the query ran: that stays.
  function follow() {
    var now = area().closest("[data-sql]"), text = now.dataset.sql;
    if (now === card && text === shown) { return; }
    card = now;
    shown = text;
    if (text === sent) { write(model.getValue()); return; }
    if (model.getValue() === text) { return; }
    model.pushStackElement();
    model.pushEditOperations([], [{ range: model.getFullModelRange(), text: text }], function () { return null; });
    model.pushStackElement();
  }

  // Completion ---------------------------------------------------------------------------------------------

  function tables() {
    var found = {};
    document.querySelectorAll(".tables details[data-columns]").forEach(function (table) {
      found[table.querySelector("summary").textContent] = {
        columns: JSON.parse(table.dataset.columns),
        about: table.querySelector("p.note").lastChild.textContent.trim()
      };
    });
    return found;
  }

  // The query with its comments and strings as spaces, so that words in them are not read as SQL.
  function bare(text) {
    return text.replace(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)/g, function (part) { return part.replace(/[^\n]/g, " "); });
  }

  // The tables of the query: a list of [alias, name]; the name of a WITH query belongs to no table.
  function read(sql, known, reserved) {
    var found = [], match;
    var part = /(?:\bfrom|\bjoin|,)\s+([\w.]+)(?:\s+(?:as\s+)?([a-z_]\w*))?/gi;
    while ((match = part.exec(sql))) {
      var name = match[1].toLowerCase();
      part.lastIndex -= (match[2] || "").length;  // what follows may be a FROM
      var alias = match[2] && reserved.indexOf(match[2].toLowerCase()) < 0 ? match[2] : name.split(".").pop();
      if (known[name]) { found.push([alias, name]); }
    }
    return found;
  }

  function steps(sql) {
    var found = [], match, part = /(?:\bwith(?:\s+recursive)?|\)\s*,)\s+([a-z_]\w*)\s*(?:\([^()]*\)\s*)?as\s*(?:(?:not\s+)?materialized\s*)?\(/gi;
    while ((match = part.exec(sql))) { found.push(match[1]); part.lastIndex -= 1; }
    return found;
  }

  function completions(monaco, text, position, context) {
    var Kind = monaco.languages.CompletionItemKind, snippet = monaco.languages.CompletionItemInsertTextRule.InsertAsSnippet;
    var word = text.getWordUntilPosition(position);
    var range = { startLineNumber: position.lineNumber, endLineNumber: position.lineNumber, startColumn: word.startColumn, endColumn: position.column };
    var sql = bare(text.getValue()), offset = text.getOffsetAt(position), before = sql.slice(0, offset - word.word.length);
    var written = text.getValue().slice(0, offset);
    if (bare(written + "x").slice(-1) !== "x") { return { suggestions: [] }; }  // in a comment or a string
    var known = tables(), reserved = words("keywords"), used = read(sql, known, reserved), made = [];

    function add(order, label, kind, detail, about, insert) {
      made.push({ label: label, kind: kind, detail: detail, documentation: about, insertText: insert || label, range: range, sortText: order + label.toLowerCase(), insertTextRules: insert ? snippet : 0 });
    }
    function addColumns(name, order) {
      known[name].columns.forEach(function (column) { add(order, column[0], Kind.Field, column[1] + " · " + name, column[2]); });
    }
    function addTables(order) {
      steps(sql).forEach(function (name) { add(order + "0", name, Kind.Variable, "WITH"); });
      Object.keys(known).forEach(function (name) { add(order + "1", name, Kind.Struct, "", known[name].about); });
    }

    var dotted = /([a-z_]\w*)\.$/i.exec(before);
    if (dotted) {
      var owner = dotted[1].toLowerCase();
      used.filter(function (one) { return one[0].toLowerCase() === owner; }).slice(0, 1).forEach(function (one) { addColumns(one[1], "0"); });
      if (!made.length) {
        Object.keys(known).forEach(function (name) { if (name.split(".")[0] === owner) { add("0", name.split(".")[1], Kind.Struct, "", known[name].about); } });
      }
      return { suggestions: made };
    }
    if (/\$$/.test(before)) {
      new Set(sql.match(/\$[a-z_]\w*/gi) || []).forEach(function (name) { add("0", name.slice(1), Kind.Variable); });
      return { suggestions: made };
    }
    var isTable = /(?:\bfrom|\bjoin)\s+$|\bfrom\s+[\w.\s,]*,\s*$/i.test(before);
    if (context.triggerCharacter === " " && !isTable) { return { suggestions: [] }; }
    if (isTable) { addTables("0"); return { suggestions: made }; }
    used.forEach(function (one) { addColumns(one[1], "0"); });
    used.forEach(function (one) { add("1", one[0], Kind.Variable, one[1]); });
    steps(sql).forEach(function (name) { add("1", name, Kind.Variable, "WITH"); });
    reserved.forEach(function (name) { add("2", name.toUpperCase(), Kind.Keyword); });
    words("functions").forEach(function (name) { add("3", name, Kind.Function, "", "", name + "($0)"); });
    addTables("4");
    return { suggestions: made };
  }

  // Finding the editor's place ------------------------------------------------------------------------------

  // The page is rendered again with each result, so look each time whether the editor is still in it.
  function look() {
    var box = place();
    if (!box && editor) { editor.dispose(); editor = null; }
    if (!box || window.matchMedia("(pointer: coarse)").matches) { return; }
    load(box.dataset.monaco, document.getElementById("page").dataset.lang).then(function (monaco) {
      if (!place() || !area()) { return; }
      monaco.editor.setTheme(theme());
      open(monaco);
      follow();
    }, function () { loading = null; });  // without Monaco, the text area stays
  }

  var waiting = null;
  new MutationObserver(function (changes) {
    var box = place();
    if (waiting !== null || (!box && !editor) || (box && changes.every(function (one) { return box.contains(one.target); }))) { return; }
    waiting = window.setTimeout(function () { waiting = null; look(); }, 30);
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-sql", "data-theme"] });

  document.addEventListener("click", function (event) {
    if (event.target.id !== "sql-run" || !area()) { return; }
    // A saved query runs by itself as soon as it is rendered, perhaps before the editor has taken it over.
    if (model) { follow(); }
    sent = area().value;
  }, true);
})();
