// Charts: drawn when they come near the window, and again when their figure or their width changes; saved as PNG files;
// the list of the items inside a selection box.
(function () {
  "use strict";
  var NARROW = 460, PAPER = 640, isPrinting = false;
  var CONFIG = { displaylogo: false, showSendToCloud: false, displayModeBar: false };

  // The figure for a width; on paper in light colours. "layout.meta.narrow" has the changes for narrow screens: path →
  // value. A path that begins with "data." starts at the figure, any other at its layout.
  function figureFor(place, width) {
    var light = isPrinting ? JSON.parse(place.dataset.light || "{}") : {};
    var figure = JSON.parse(place.dataset.figure.replace(/#[0-9a-f]{6}|rgba\(\d+,\d+,\d+/gi, function (color) { return light[color.toLowerCase()] || color; }));
    var narrow = width < NARROW && figure.layout.meta ? figure.layout.meta.narrow : null;
    Object.keys(narrow || {}).forEach(function (path) {
      var keys = path.split("."), last = keys.pop();
      keys.reduce(function (part, key) { return part[key] || (part[key] = {}); }, keys[0] === "data" ? figure : figure.layout)[last] = narrow[path];
    });
    return figure;
  }

  function draw(place, width) {
    if (!window.Plotly || !place.clientWidth) { return; }
    near.unobserve(place);
    var isFirst = !place.headwaterFigure;
    place.headwaterFigure = place.dataset.figure;
    place.headwaterWidth = width || place.clientWidth;
    var figure = figureFor(place, place.headwaterWidth);
    if (width) { figure.layout.width = width; }
    window.Plotly.react(place, figure.data, figure.layout, CONFIG);
    if (!isFirst) { return; }
    sizes.observe(place);
    if (place.dataset.selects) { place.on("plotly_selected", function (selection) { list(place, selection ? selection.points : null); }); }
  }

  function all() { return Array.from(document.querySelectorAll("[data-figure]")); }

  function isDrawn(place) { return place.headwaterFigure === place.dataset.figure; }

  // A chart is drawn when it is half a window's height away, so that nobody waits for it while scrolling.
  var near = new IntersectionObserver(function (found) {
    found.forEach(function (one) { if (one.isIntersecting && !isDrawn(one.target)) { draw(one.target); } });
  }, { rootMargin: "50% 0px" });

  var sizes = new ResizeObserver(function (found) {
    found.forEach(function (one) {
      var place = one.target;
      if (isPrinting || !place.clientWidth || place.clientWidth === place.headwaterWidth) { return; }
      window.clearTimeout(place.headwaterWaits);
      place.headwaterWaits = window.setTimeout(function () { if (place.isConnected) { draw(place); } }, 80);
    });
  });

  // Observe the chart again: the observer then reports its position even if it reported the same one before.
  function watch() {
    all().forEach(function (place) {
      if (place.headwaterWatched === place.dataset.figure) { return; }
      place.headwaterWatched = place.dataset.figure;
      near.unobserve(place);
      near.observe(place);
    });
  }

  new MutationObserver(watch).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-figure"] });
  window.addEventListener("load", function () { all().forEach(function (place) { place.headwaterWatched = null; }); watch(); });

  // Before printing draw all charts, none wider than the sheet. In the browser that makes files on the server they are
  // already drawn at the right width.
  window.addEventListener("beforeprint", function () {
    isPrinting = true;
    if (window.headwaterKeepsCharts) { return; }
    all().forEach(function (place) {
      var width = place.clientWidth > PAPER ? PAPER : 0;
      if (width || !isDrawn(place) || place.dataset.light) { draw(place, width); }
    });
  });
  window.addEventListener("afterprint", function () {
    isPrinting = false;
    all().forEach(function (place) { if (place.clientWidth && (place.headwaterWidth !== place.clientWidth || place.dataset.light)) { draw(place); } });
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button.png");
    var card = button && document.getElementById("chart-" + button.dataset.chart);
    var place = card && card.querySelector("[data-figure]");
    if (!place) { return; }
    if (!isDrawn(place)) { draw(place); }
    window.Plotly.downloadImage(place, { format: "png", scale: 2, width: place.clientWidth, height: place.clientHeight, filename: "headwater-" + button.dataset.chart });
  });

  function element(tag, text, marks) { return Object.assign(document.createElement(tag), { textContent: text }, marks); }

  // Show the items inside the selection box below the chart; null: the box was removed.
  function list(place, points) {
    var card = place.closest("figure");
    var target = card.querySelector(".selection");
    target.replaceChildren();
    if (!points) { return; }
    var isChinese = document.documentElement.lang === "zh-CN";
    var rows = points.map(function (point) { return point.customdata; }).filter(Boolean).map(function (name) { return Array.isArray(name) ? name : [name, name]; });
    if (!rows.length) { target.append(isChinese ? "框选范围内没有内容。" : "Nothing is in that box."); return; }
    var shown = rows.slice(0, 200);
    var csv = "\ufeff" + ["product_id,name"].concat(rows.map(function (row) { return row.map(cell).join(","); })).join("\r\n") + "\r\n";
    var note = (isChinese ? "已选 " + rows.length + " 个" : rows.length + " selected") + (shown.length < rows.length ? (isChinese ? "，列出前 " : ", the first ") + shown.length : "") + " ";
    var line = element("p", note, { className: "note" });
    line.append(element("a", "CSV", { className: "export", download: "headwater-" + card.id.slice("chart-".length) + "-selection.csv", href: "data:text/csv;charset=utf-8," + encodeURIComponent(csv) }));
    var names = element("ul", "", { className: "chosen" });
    shown.forEach(function (row) { names.append(element("li", row[1])); });
    target.append(line, names);
  }

  function cell(value) {
    var text = String(value);
    if (/^(\s*[=+\-@＝＋－＠]|[\t\r\n])/.test(text)) { text = "'" + text; }
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }
})();
