// A signature on glass: strokes as [[x, y, ms], …] in a hidden field. Without scripts the code proves the hand-over.

const form = document.querySelector("[data-proof]");
if (form) start(form);

function start(form) {
  const canvas = form.querySelector("canvas");
  const field = form.querySelector("input[name=signature]");
  const pen = canvas.getContext("2d");
  let strokes = [];
  let began = 0;

  const choose = () => {
    const kind = form.querySelector("input[name=proof]:checked")?.value ?? "code";
    for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind;
    if (kind === "signature") fit();
  };
  const fit = () => {
    const box = canvas.getBoundingClientRect();
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    pen.scale(scale, scale);
    Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#17242f" });
    for (const stroke of strokes) draw(stroke, 1);
  };
  const draw = (stroke, from) => {
    pen.beginPath();
    pen.moveTo(stroke[from - 1][0], stroke[from - 1][1]);
    for (const [x, y] of stroke.slice(from)) pen.lineTo(x, y);
    if (stroke.length === 1) pen.lineTo(stroke[0][0] + 0.1, stroke[0][1]);
    pen.stroke();
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    began ||= event.timeStamp;
    return [Math.round(event.clientX - box.left), Math.round(event.clientY - box.top), Math.round(event.timeStamp - began)];
  };
  const keep = () => { field.value = strokes.length ? JSON.stringify(strokes) : ""; };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    strokes.push([point(event)]);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId) || !strokes.length) return;
    const stroke = strokes.at(-1);
    stroke.push(point(event));
    draw(stroke, stroke.length - 1);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, keep);
  form.querySelector("[data-again]").addEventListener("click", () => {
    strokes = [];
    began = 0;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    keep();
  });
  form.addEventListener("change", choose);
  window.addEventListener("resize", () => { if (!canvas.closest("[data-kind]").hidden) fit(); });
  choose();
}
