// The address of a view: which job, and how it is looked at (pass-band, time window, map). Opening the address restores the view.

let pending = 0;

const parse = () => new URLSearchParams(location.hash.slice(1));

export const readView = (name) => parse().get(name);

export function readNumbers(name, count) {
  const numbers = (readView(name) ?? "").split(",").map(Number);
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

// Sets parts of the address, or removes those that are null, without a new entry in the history.
export function writeView(changes) {
  const parts = parse();
  for (const [name, value] of Object.entries(changes)) value === null ? parts.delete(name) : parts.set(name, value);
  const text = parts.toString().replaceAll("%2C", ",");
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

// The same for what changes with every movement of the pointer.
export function writeViewLater(changes) {
  clearTimeout(pending);
  const job = readView("job");
  pending = setTimeout(() => readView("job") === job && writeView(changes), 250);
}

export const jobAddress = (id) => `#job=${encodeURIComponent(id)}`;
