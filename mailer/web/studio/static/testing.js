// The slider beside the number, and what the test buys while they move. Without script the number alone does it.
const room = document.querySelector(".testing");
const share = document.getElementById("f-share");
const slide = document.getElementById("f-slide");
const aside = room?.querySelector("[data-gains]");
const curves = aside ? JSON.parse(aside.dataset.gains) : null;
const spoken = new Intl.NumberFormat("en-GB");

const percent = () => Math.min(50, Math.max(10, Math.round(Number(share.value || share.placeholder) || 10)));

function versions() {
  const filled = [...room.querySelectorAll("fieldset.version")].filter(
    (one) => !one.querySelector("input,textarea") || [...one.querySelectorAll("input,textarea")].some((field) => field.value.trim()),
  );
  return Math.max(2, 1 + filled.length);
}

function gained(signatures) {
  const rounded = signatures < 20 ? Math.round(signatures) : 10 * Math.round(signatures / 10);
  return `About ${spoken.format(rounded)} more ${rounded === 1 ? "signature" : "signatures"} than no test`;
}

function show() {
  const now = percent();
  slide.value = now;
  if (!curves) return;
  const arms = versions(), people = Number(aside.dataset.people), curve = curves[arms];
  const each = Math.min(Math.floor(people / arms), Math.max(1, Math.round((now / 100) * people / arms)));
  document.getElementById("gain").textContent = gained(curve[now]);
  document.getElementById("each").textContent = `${spoken.format(each)} ${each === 1 ? "person" : "people"} each get one version`;
  document.getElementById("rest").textContent = `${spoken.format(people - arms * each)} others`;
  const bars = [...aside.querySelectorAll("[data-percent]")];
  const most = Math.max(1, ...bars.map((one) => curve[one.dataset.percent]));
  const nearest = bars.reduce((best, one) => (Math.abs(one.dataset.percent - now) < Math.abs(best.dataset.percent - now) ? one : best));
  for (const one of bars) {
    one.classList.toggle("here", one === nearest);
    one.querySelector(".done").setAttribute("width", Math.round((1000 * curve[one.dataset.percent]) / most));
    one.querySelector("b").textContent = `+${spoken.format(curve[one.dataset.percent])}`;
  }
}

if (room && share && slide && !share.readOnly) {
  slide.closest(".slide").hidden = false;
  slide.addEventListener("input", () => {
    share.value = slide.value;
    show();
  });
  room.addEventListener("input", (event) => event.target !== slide && show());
  show();
}
