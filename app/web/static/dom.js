// Create elements from text only: names in an upload are untrusted and never become markup.

export const one = (selector) => document.querySelector(selector);

export function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== ""));
  return created;
}

// A description list from rows [term, ...content]; null rows are skipped.
export function facts(rows) {
  return element("dl", {}, rows.filter((row) => row !== null).map(([term, ...content]) => [element("dt", {}, term), element("dd", {}, ...content)]));
}

export function table(head, rows) {
  const line = (tag, cells) => element("tr", {}, cells.map((cell) => element(tag, {}, String(cell))));
  const created = element("table", {}, element("thead", {}, line("th", head)), element("tbody", {}, rows.map((cells) => line("td", cells))));
  return element("div", { className: "scroll", tabIndex: 0 }, created);
}

export function folded(title, ...content) {
  return element("details", {}, element("summary", {}, title), ...content);
}
