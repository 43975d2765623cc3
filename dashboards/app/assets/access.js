// The session has ended: reload the page, which leads to the sign-in page and back.
(function () {
  "use strict";
  var ask = window.fetch;
  window.fetch = function () {
    return ask.apply(this, arguments).then(function (answer) {
      if (answer.status === 401 && new URL(answer.url).origin === window.location.origin) { window.location.reload(); }
      return answer;
    });
  };
})();
