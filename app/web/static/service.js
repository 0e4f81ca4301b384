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

export const NO_ANSWER = "The service does not respond. Check the connection, then try again.";

export async function request(path, options = {}) {
  const answer = await fetch(resolve(path), { ...options, headers: keyHeaders() }).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(NO_ANSWER);
  });
  if (!answer.ok) throw new ServiceError(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

export const readJson = async (path, signal) => (await request(path, { signal })).json();

// XMLHttpRequest, because fetch does not report the progress of an upload. Calls `onProgress(fraction)`; `signal` ends the upload.
export function submit(path, form, onProgress, signal) {
  return new Promise((accept, reject) => {
    signal.throwIfAborted();
    const upload = new XMLHttpRequest();
    upload.open("POST", resolve(path));
    for (const [name, value] of Object.entries(keyHeaders())) upload.setRequestHeader(name, value);
    upload.responseType = "json";
    upload.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    upload.onload = () => (upload.status < 300 ? accept(upload.response) : reject(new ServiceError(upload.status, upload.response)));
    upload.onerror = () => reject(new Error(NO_ANSWER));
    upload.onabort = () => reject(new DOMException("The upload was canceled.", "AbortError"));
    signal.addEventListener("abort", () => upload.abort());
    upload.send(form);
  });
}

// Server-sent events read with fetch, because EventSource cannot send a key. Calls `onProgress(state)` at each event and returns
// the job at its end, or null if the stream ended before. `signal` closes the stream, of which a browser allows a service only six.
export async function follow(path, onProgress, signal) {
  const answer = await request(path, { signal });
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
