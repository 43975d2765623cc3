// How a grid's cells are written: by the texts that come with the values.
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
dagfuncs.said = function (params) {
  var said = params.data && params.data[params.colDef.field + "_said"];
  return said === undefined ? params.value : said;
};
dagfuncs.fullText = function (params) {
  var data = params.data || {};
  var said = data[params.colDef.field + "_said"];
  // A text that is cut off is shown whole; a number, with all its digits.
  return data[params.colDef.field + "_full"] || (said && said.length > 18 ? said : null);
};

var dagcomponents = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
dagcomponents.HeadwaterLink = function (props) {
  var field = props.colDef.field;
  var said = (props.data && props.data[field + "_said"]) || props.value;
  var href = props.data && props.data[field + "_href"];
  if (!href) { return React.createElement("span", null, said); }
  return React.createElement("a", { href: href }, said);
};
dagcomponents.HeadwaterHead = function (props) {
  // A link that has the whole table sorted by the server: a grid has no more than the first rows of it.
  return React.createElement(
    "a",
    { href: props.href, className: "sort", "data-sort": props.sort, "aria-label": props.label + (props.order ? ", " + props.order : "") },
    props.displayName,
    props.arrow ? React.createElement("span", { className: "order", "aria-hidden": "true" }, props.arrow) : null
  );
};
