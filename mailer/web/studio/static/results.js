// Results go on by themselves; the mail's frame is as long as the mail.
import { renew, watch } from "./live.js";

const page = document.querySelector("[data-results]");
const fit = () => {
  const frame = document.getElementById("mail");
  const grow = () => { if (frame.contentDocument?.body) frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`; };
  if (frame) { frame.addEventListener("load", grow); grow(); }
};
fit();
if (page) watch(page.dataset.results, page.dataset.seen, () => renew().then(fit));
