// A button that does its work often goes away with it. Whoever pressed it by keyboard is not lost then.

const isGone = (element) => !element.isConnected || element.closest("[hidden]") !== null;

/** From now on the focus goes from what is not there any more to what is next to it, the big button first. */
export function keepFocus() {
  let last = null;
  let around = [];
  addEventListener("focusin", ({ target }) => {
    last = target;
    around = [];
    for (let each = target.parentElement; each; each = each.parentElement) around.push(each);
  });
  // What is taken away loses it, too; then it has gone on before this is asked.
  addEventListener("focusout", ({ target }) =>
    setTimeout(() => {
      if (last === target && document.activeElement !== target) last = null;
    }),
  );
  new MutationObserver(() => {
    if (!last || !isGone(last)) return;
    last = null;
    for (const place of around.filter((each) => !isGone(each))) {
      for (const each of [...place.querySelectorAll(".big"), ...place.querySelectorAll("button, a, select, input")]) {
        if (!isGone(each)) each.focus();
        if (document.activeElement === each) return;
      }
    }
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["hidden"] });
}
