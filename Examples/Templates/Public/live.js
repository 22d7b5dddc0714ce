// Parts of pages without loading them whole, in the manner of htmx (https://htmx.org), which does much more:
// a form with hx-get is sent while it is filled in, and what comes back goes into the element that hx-target names.

let request = new AbortController();

async function send(form) {
  request.abort();
  request = new AbortController();
  const url = new URL(form.getAttribute("hx-get"), location);
  for (const [name, value] of new FormData(form)) if (value) url.searchParams.set(name, value);

  const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal: request.signal });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const target = document.querySelector(form.getAttribute("hx-target"));
  target.innerHTML = await answer.text();
  history.replaceState(null, "", url);
  announce(target.querySelector("[data-announce]")?.textContent);
}

// Screen readers read what changes in an element that was there before.
const status = document.createElement("p");
status.className = "unseen";
status.setAttribute("role", "status");
document.body.append(status);
const announce = (text = "") => { status.textContent = text; };

for (const form of document.querySelectorAll("form[hx-get]")) {
  const failed = (error) => { if (error.name !== "AbortError") form.submit(); };
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => send(form).catch(failed), 150);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    send(form).catch(failed);
  });
}
