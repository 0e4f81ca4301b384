// Requests to the service. Every request carries the API key if one is given, so files behind a key are fetched and never linked.

import { one } from "./dom.js";

const keyHeaders = () => (one("#key").value ? { "X-API-Key": one("#key").value } : {});
// Links of the service include the path prefix of a proxy; the page itself lies at that prefix.
export const resolve = (path) => new URL(path, location.href).href;

export class ServiceError extends Error {
  constructor(status, problem) {
    const complete = { title: `The service answered with status ${status}`, detail: "", parts: [], ...problem };
    super(complete.detail);
    this.problem = complete;
    this.status = status;
  }
}

export async function request(path, options = {}) {
  const answer = await fetch(resolve(path), { ...options, headers: keyHeaders() });
  if (!answer.ok) throw new ServiceError(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

export const readJson = async (path) => (await request(path)).json();

// XMLHttpRequest, because fetch does not report the progress of an upload. Calls `onProgress(fraction)`.
export function submit(path, form, onProgress) {
  return new Promise((accept, reject) => {
    const upload = new XMLHttpRequest();
    upload.open("POST", resolve(path));
    for (const [name, value] of Object.entries(keyHeaders())) upload.setRequestHeader(name, value);
    upload.responseType = "json";
    upload.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    upload.onload = () => (upload.status < 300 ? accept(upload.response) : reject(new ServiceError(upload.status, upload.response)));
    upload.onerror = () => reject(new Error("The service does not respond. Check the connection, then try again."));
    upload.send(form);
  });
}

// Server-sent events read with fetch, because EventSource cannot send a key. Calls `onProgress(state)` at each event and returns
// the job at its end, or null if the stream ended before.
export async function follow(path, onProgress) {
  const answer = await request(path);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const event of blocks.map(parseEvent)) {
      if (event.name === "job") return event.data;
      if (event.name === "progress") onProgress(event.data);
    }
  }
  return null;
}

function parseEvent(block) {
  const fields = Object.fromEntries(block.split("\n").filter((line) => !line.startsWith(":")).map((line) => line.split(/: (.*)/s, 2)));
  return { name: fields.event, data: fields.data ? JSON.parse(fields.data) : null };
}
