// Draws all figures from the JSON in the page, and redraws them for paper and for narrow screens.
(function () {
  "use strict";
  var NARROW = 460;
  var PAPER = 680;  // the width of an A4 sheet less its margins and a card's padding
  var LOWER = 0.8;  // on paper, charts are lower, so that two fit on a sheet
  var drawn = [];

  function restored(figure) {
    var wide = {};
    Object.keys(figure.narrow).forEach(function (path) {
      wide[path] = path.split(".").reduce(function (part, key) { return part && part[key]; }, figure.layout);
    });
    return wide;
  }

  function fit(figure, width) {
    var isNarrow = width < NARROW;
    var update = isNarrow ? Object.assign({}, figure.narrow) : restored(figure);
    return Plotly.relayout(figure.div, JSON.parse(JSON.stringify(update)));
  }

  function size(figure, update) {
    figure.div.style.height = update.height + "px";
    return Plotly.relayout(figure.div, update);
  }

  document.querySelectorAll("script.figure").forEach(function (script) {
    var spec = JSON.parse(script.textContent);
    var div = document.getElementById(script.dataset.target);
    var figure = { div: div, layout: JSON.parse(JSON.stringify(spec.layout)), narrow: (spec.layout.meta || {}).narrow || {} };
    drawn.push(figure);
    Plotly.newPlot(div, spec.data, spec.layout, plotConfig).then(function () {
      if (div.clientWidth < NARROW) { fit(figure, div.clientWidth); }
    });
  });

  window.addEventListener("resize", function () {
    drawn.forEach(function (figure) { fit(figure, figure.div.clientWidth); });
  });
  window.addEventListener("beforeprint", function () {
    drawn.forEach(function (figure) {
      fit(figure, PAPER);
      size(figure, { width: PAPER, height: Math.round(figure.layout.height * LOWER), autosize: false });
    });
  });
  window.addEventListener("afterprint", function () {
    drawn.forEach(function (figure) {
      size(figure, { width: null, height: figure.layout.height, autosize: true }).then(function () {
        fit(figure, figure.div.clientWidth);
      });
    });
  });
  document.documentElement.dataset.drawn = String(drawn.length);
})();
