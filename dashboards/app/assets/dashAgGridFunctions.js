// Shows a grid's cells with the texts that come with their values.
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
dagfuncs.shown = function (params) {
  var shown = params.data && params.data[params.colDef.field + "_shown"];
  return shown === undefined ? params.value : shown;
};
dagfuncs.fullText = function (params) {
  var data = params.data || {};
  var shown = data[params.colDef.field + "_shown"];
  // On hover: the full text if it is cut off; a number with all its digits.
  return data[params.colDef.field + "_full"] || (shown && shown.length > 18 ? shown : null);
};
// Tab leaves a grid, because it may have thousands of cells; the arrow keys move within it, Enter opens a cell's link.
dagfuncs.leaveGrid = function () { return false; };
// The style of a cell's bar, and the CSS classes of a cell: for a bar, or for a change that is better or worse.
dagfuncs.barOf = function (params) { return (params.data && params.data[params.colDef.field + "_bar"]) || { backgroundSize: "0" }; };
dagfuncs.classesOf = function (params) {
  var data = params.data || {};
  var field = params.colDef.field;
  return ["ag-right-aligned-cell", data[field + "_tone"] || (data[field + "_bar"] ? "bar-cell" : "")].filter(Boolean);
};

var dagcomponents = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
dagcomponents.HeadwaterLink = function (props) {
  var field = props.colDef.field;
  var shown = (props.data && props.data[field + "_shown"]) || props.value;
  var href = props.data && props.data[field + "_href"];
  var picture = props.data && props.data[field + "_picture"];
  var image = picture ? React.createElement("img", { src: picture.src, alt: picture.alt, width: picture.width, className: "in-cell" }) : null;
  return React.createElement(href ? "a" : "span", href ? { href: href, tabIndex: -1 } : null, image, shown);
};
dagcomponents.HeadwaterHead = function (props) {
  // A link that makes the server sort the full table: the grid contains only the table's first rows.
  return React.createElement(
    "a",
    { href: props.href, className: "sort", "data-sort": props.sort, "aria-label": props.label + (props.order ? ", " + props.order : "") },
    props.displayName,
    props.arrow ? React.createElement("span", { className: "order", "aria-hidden": "true" }, props.arrow) : null
  );
};
