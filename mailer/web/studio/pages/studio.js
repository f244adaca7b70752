"use strict";
// The page works without this. With it, a save shows at once, and choosing a tab keeps the keyboard's place.
(() => {
  const base = document.documentElement.dataset.base;
  const live = document.getElementById("live");
  const quiet = live.textContent;
  let source = null;
  let asked = 0;
  let sending = false;

  const say = (words, lost = false) => {
    live.textContent = words;
    live.classList.toggle("lost", lost);
  };

  // The mail's frame apart from which version it shows.
  const withoutVersion = (html) => html.replace(/(&|&amp;)v=\d+/g, "").replace(/(&|&amp;)after=1#changed/g, "");

  // A new mail is loaded behind the old one and takes its place when it is there, so that nothing flashes. A script
  // can't see into the frame, so where it was scrolled to is lost: it shows the place that was changed instead.
  const exchangeFrame = (old, next) => {
    if (old.getAttribute("src").replace("&after=1#changed", "") === next.getAttribute("src")) return;
    const coming = document.importNode(next, true);
    coming.setAttribute("src", `${next.getAttribute("src")}&after=1#changed`); // scrolled to where it differs
    coming.id = "";
    coming.classList.add("coming");
    coming.addEventListener("load", () => {
      coming.classList.remove("coming");
      for (const other of [...coming.parentNode.children]) if (other !== coming) other.remove();
      coming.id = "mail";
    }, { once: true });
    old.after(coming);
  };

  const busy = (part) => {
    const field = document.activeElement;
    return part.contains(field) && field.matches("input") && field.value !== field.defaultValue;
  };

  const take = (next, everything) => {
    const focused = document.activeElement && document.activeElement.id;
    for (const part of next.querySelectorAll("[data-part]")) {
      const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!old || old.outerHTML === part.outerHTML) continue;
      const frame = old.querySelector("iframe"), newFrame = part.querySelector("iframe");
      if (frame && newFrame && withoutVersion(old.outerHTML) === withoutVersion(part.outerHTML)) {
        exchangeFrame(frame, newFrame);
      } else if (everything || !(busy(old) || part.dataset.part === "proof")) { // what became of a proof stays
        if (part.dataset.part === "tabs") {
          const scrolled = old.scrollLeft;
          old.innerHTML = part.innerHTML;
          old.scrollLeft = scrolled;
        } else {
          old.innerHTML = part.innerHTML;
        }
      }
    }
    document.title = next.title;
    document.body.dataset.mark = next.body.dataset.mark;
    const again = focused && document.getElementById(focused);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  };

  // On a narrow screen the tabs are wider than it.
  const showTab = () => document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

  const load = async (address, options = {}, everything = true) => {
    const mine = ++asked;
    const answer = await fetch(address, options);
    const html = await answer.text();
    if (mine !== asked) return false;
    if (!(answer.headers.get("content-type") || "").startsWith("text/html")) {
      say(html.trim(), true);
      return false;
    }
    take(new DOMParser().parseFromString(html, "text/html"), everything);
    return true;
  };

  const watch = () => {
    if (source) source.close();
    source = new EventSource(`${base}/changes?seen=${document.body.dataset.mark}`);
    source.onopen = () => { if (live.classList.contains("lost")) say(quiet); };
    source.onerror = () => say("The preview has stopped. Start `mailer preview` again.", true);
    source.onmessage = async (event) => {
      if (sending || event.data === document.body.dataset.mark) return; // the answer to a proof is a newer page too
      if (await load(location.href, {}, false)) say(`Up to date, ${new Date().toLocaleTimeString()}.`);
    };
  };

  const go = async (address, push) => {
    try {
      if (!await load(address)) return;
      if (push) history.pushState(null, "", address);
      showTab();
      const place = new URL(address, location.href).hash;
      if (place) document.getElementById(place.slice(1))?.scrollIntoView({ block: "center" });
    } catch {
      location.href = address;
    }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='?']");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.href, true);
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form));
    if (form.method === "get") {
      await go(`${base}/?${fields}`, true);
      return;
    }
    const button = form.querySelector("button");
    button.disabled = sending = true;
    button.textContent = "Sending …";
    try {
      await load(form.action, { method: "POST", body: fields });
    } catch {
      say("The preview has stopped. Start `mailer preview` again.", true);
    }
    sending = false;
    watch(); // what was missed meanwhile is told again
    const now = document.getElementById("send");
    now.disabled = false;
    now.textContent = "Send";
    now.focus();
  });

  addEventListener("popstate", () => go(location.href, false));
  // A browser keeps few connections to one place: hidden pages give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) watch();
    else if (source) source.close();
  });
  showTab();
  watch();
})();
