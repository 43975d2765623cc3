// Requests the page's data at once. Dash would send these requests only after all scripts have started; it gets these
// answers instead. The script of grids is loaded before the first grid is rendered.
(function () {
  "use strict";
  var CALLBACKS = "/_dash-update-component";
  var GRIDS = document.currentScript.dataset.grids;
  var send = window.fetch.bind(window);
  var grids = null;

  // Resolves when components can be rendered. Those given as JSON may include grids, whose script needs the scripts of
  // the document, so it is loaded after them.
  async function ready(json) {
    if (!json.includes('"dash_ag_grid"')) { return; }
    grids = grids || new Promise(function (done) {
      function load() {
        var script = document.createElement("script");
        script.src = GRIDS;
        script.onload = script.onerror = done;  // if it fails, Dash reports that the component is missing
        document.head.appendChild(script);
      }
      if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", load); } else { load(); }
    });
    await grids;
  }
  window.headwaterReady = ready;

  async function ask(address, options) {
    var answer = await send(address, options);
    if (String(address).startsWith(CALLBACKS)) { await ready(await answer.clone().text()); }
    return answer;
  }

  var headers = { Accept: "application/json", "Content-Type": "application/json" };
  var changed = ["address.data"];
  // The same request as Dash will make. If Dash makes a different one, it is sent to the server as usual.
  var page = JSON.stringify({
    output: "..root.children...shown.data..",
    outputs: [{ id: "root", property: "children" }, { id: "shown", property: "data" }],
    inputs: [{ id: "address", property: "data", value: window.location.pathname + window.location.search }],
    changedPropIds: changed,
    parsedChangedPropsIds: changed
  });
  var answers = new Map([
    [page, ask(CALLBACKS, { method: "POST", headers: headers, body: page })],
    ["/_dash-layout", ask("/_dash-layout", { headers: headers })],
    ["/_dash-dependencies", ask("/_dash-dependencies", { headers: headers })]
  ]);
  window.fetch = function (address, options) {
    var key = (options && options.body) || address;
    var answer = answers.get(key);
    answers.delete(key);
    return answer || ask(address, options);
  };
})();
