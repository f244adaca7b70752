// Passkeys: asks the studio what to give the device, the device for its answer, and brings that back.
const able = typeof PublicKeyCredential !== "undefined" && PublicKeyCredential.parseRequestOptionsFromJSON;

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", body, headers: { "Content-Type": "application/json" } });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([said.message || "That didn’t work. Load the page again.", said.remedy].filter(Boolean).join(" "));
  return said;
}

async function ask(button) {
  const path = button.dataset.passkey;
  const makes = "make" in button.dataset;
  const { publicKey } = await post(`${path}/ask`, "");
  const key = makes
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  const query = makes ? `?label=${encodeURIComponent(device())}` : button.dataset.query || "";
  const { to } = await post(path + query, JSON.stringify(key.toJSON()));
  location.assign(to);
}

function device() {
  const agent = navigator.userAgent;
  const known = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android phone"], ["Windows", "Windows computer"], ["Mac OS", "Mac"], ["Linux", "Linux computer"]];
  return (known.find(([part]) => agent.includes(part)) || ["", "Passkey"])[1];
}

for (const part of document.querySelectorAll("[data-needs-passkeys]")) {
  if (!able) continue;
  part.hidden = false;
  const button = part.querySelector("[data-passkey]");
  const said = part.querySelector("[data-passkey-said]");
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.hidden = true;
    try {
      await ask(button);
    } catch (error) {
      // The browser's own dialog was closed, or it found no passkey here: it doesn't say which.
      const left = error.name === "NotAllowedError" || error.name === "AbortError";
      const known = error.name === "InvalidStateError";
      said.textContent = left ? "No passkey was used. Try again, or take another way." : known ? "This device has a passkey already." : error.message;
      said.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
