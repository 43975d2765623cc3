// How a grid's cells are written: by the texts that come with the values.
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
dagfuncs.said = function (params) {
  var said = params.data && params.data[params.colDef.field + "_said"];
  return said === undefined ? params.value : said;
};
dagfuncs.fullText = function (params) {
  return (params.data && params.data[params.colDef.field + "_full"]) || null;
};

var dagcomponents = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
dagcomponents.HeadwaterLink = function (props) {
  var field = props.colDef.field;
  var said = (props.data && props.data[field + "_said"]) || props.value;
  var href = props.data && props.data[field + "_href"];
  if (!href) { return React.createElement("span", null, said); }
  return React.createElement("a", { href: href }, said);
};
