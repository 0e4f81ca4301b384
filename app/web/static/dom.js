// Create elements from text only: names in an upload are untrusted and never become markup.

export const one = (selector) => document.querySelector(selector);

const SVG = "http://www.w3.org/2000/svg";
const present = (child) => child !== null && child !== undefined && child !== "" && child !== false;

export function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children.flat(3).filter(present));
  return created;
}

export function svg(tag, attributes = {}, ...children) {
  const created = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children.flat(3).filter(present));
  return created;
}

// A description list from rows [term, ...content]; null rows are skipped.
export function facts(rows) {
  return element("dl", { className: "facts" }, rows.filter(Boolean).map(([term, ...content]) => [element("dt", {}, term), element("dd", {}, ...content)]));
}

// A table that scrolls in a box of its own. Cells are text or elements.
export function table(caption, head, rows) {
  const cell = (tag, content) => element(tag, tag === "th" ? { scope: "col" } : {}, content instanceof Node ? content : String(content ?? ""));
  const line = (tag, cells) => element("tr", {}, cells.map((content) => cell(tag, content)));
  const created = element("table", {}, element("thead", {}, line("th", head)), element("tbody", {}, rows.map((cells) => line("td", cells))));
  const box = element("div", { className: "scroll", tabIndex: 0, role: "group", ariaLabel: caption }, created);
  return box;
}

// Content that is made when it is first opened. `make()` returns an element or several, or a promise of them.
export function folded(title, make) {
  const details = element("details", {}, element("summary", {}, title));
  details.addEventListener("toggle", async () => details.append(...[await make()].flat(3).filter(present)), { once: true });
  return details;
}

export function panel(title, ...content) {
  return element("section", { className: "panel" }, title && element("h3", {}, title), ...content);
}

// A panel that is filled when it comes near the window. `make()` returns its elements or a promise of them.
export function panelInView(title, make) {
  const created = panel(title);
  created.classList.add("awaited");
  whenNear(created, async () => {
    const content = [await Promise.resolve().then(make).catch((error) => element("p", {}, error.message))].flat(3).filter(present);
    created.append(...content);
    created.classList.remove("awaited");
  });
  return created;
}

// Calls `act()` once, when an element in the page comes within half a window of what is seen.
export function whenNear(watched, act) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    act();
  }, { rootMargin: "50% 0px" });
  observer.observe(watched);
}

// Lets the browser paint and answer between two steps.
export const pause = () => new Promise((accept) => setTimeout(accept));

// Appends parts one after the other, with a pause after each; false if the box has left the page meanwhile. A function makes its part.
export async function appendInSteps(box, parts) {
  for (const part of parts) {
    box.append(...[typeof part === "function" ? part() : part].flat(3).filter(present));
    await pause();
    if (!box.isConnected) return false;
  }
  return true;
}

// Buttons of which one is pressed. `choose(value)` is called with the value of the one that is pressed next.
export function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, text]) => element("button", { type: "button", ariaPressed: String(value === chosen), onclick: () => press(value) }, text));
  function press(value) {
    options.forEach(([other], index) => { buttons[index].ariaPressed = String(other === value); });
    choose(value);
  }
  const group = element("div", { className: "choice", role: "group", ariaLabel: label }, buttons);
  return group;
}

export function button(text, label, act) {
  return element("button", { type: "button", className: "tool", ariaLabel: label, title: label, onclick: act }, text);
}

// Loads a script or style sheet of this host once.
const loaded = new Map();
export function load(path) {
  if (!loaded.has(path)) {
    loaded.set(path, new Promise((accept, reject) => {
      const asset = path.endsWith(".css") ? element("link", { rel: "stylesheet", href: path }) : element("script", { src: path });
      asset.onload = accept;
      asset.onerror = () => reject(new Error(`${path} cannot be loaded.`));
      document.head.append(asset);
    }));
  }
  return loaded.get(path);
}
