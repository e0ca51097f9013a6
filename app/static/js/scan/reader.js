// Finds and reads the codes in a picture: zxing in WebAssembly, served from here. The scan page, and the figure of
// scripts/bench/decode, read through this one module.
//
//   decode(frame)               a frame of the camera (ImageData): one quick look, the next frame comes soon
//   decode(blob, {photo: true}) a photograph: no second one comes, so it is looked at in more and more ways
//
// → [{text, symbology, format, corners}]: symbology is what grammar.js takes as its second argument.

import { prepareZXingModule, readBarcodes } from "../../vendor/zxing/es/reader/index.js";

const WASM = new URL("../../vendor/zxing/reader/zxing_reader.wasm", import.meta.url).href;

// Symbols with a checksum of their own; ITF has none, and the grammar believes it only where its fourteen digits end in
// a check digit.
export const FORMATS = [
  "EAN13", "EAN8", "UPCA", "UPCE", "Code128", "ITF", "DataBar", "DataBarLtd", "DataBarExp", "DataBarExpStk",
  "QRCode", "DataMatrix",
];

// Three lines must agree: two have been seen to make an EAN-13 of the small print on a label.
const ALWAYS = {
  formats: FORMATS,
  textMode: "Plain",
  eanAddOnSymbol: "Ignore",
  returnErrors: false,
  minLineCount: 3,
};

const FRAME = {
  ...ALWAYS,
  tryHarder: true,
  tryRotate: true,
  tryInvert: false,
  tryDownscale: true,
  maxNumberOfSymbols: 4,
};

const LOOKS = [
  { ...FRAME, tryInvert: true },
  { ...FRAME, tryInvert: true, tryDenoise: true, downscaleThreshold: 300, downscaleFactor: 2 },
  { ...FRAME, tryInvert: true, binarizer: "GlobalHistogram" },
];

let prepared = null;

export function prepare() {
  prepared ??= prepareZXingModule({ overrides: { locateFile: () => WASM }, fireImmediately: true });
  return prepared;
}

export async function decode(picture, { photo = false } = {}) {
  await prepare();
  for (const options of photo ? LOOKS : [FRAME]) {
    const found = (await readBarcodes(picture, options)).filter((each) => each.isValid && each.text);
    if (found.length) return found.map(told);
  }
  if (!photo) return [];
  for (const share of [2, 0.5]) {
    const other = await resized(picture, share);
    const found = other ? (await readBarcodes(other, LOOKS[0])).filter((each) => each.isValid && each.text) : [];
    if (found.length) return found.map((each) => told(each, share));
  }
  return [];
}

function told(each, share = 1) {
  const { topLeft, topRight, bottomRight, bottomLeft } = each.position;
  return {
    text: each.text,
    symbology: each.symbologyIdentifier || each.format,
    format: each.format,
    corners: [topLeft, topRight, bottomRight, bottomLeft].map(({ x, y }) => [x / share, y / share]),
  };
}

async function resized(picture, share) {
  if (typeof OffscreenCanvas === "undefined" || typeof createImageBitmap === "undefined") return null;
  let bitmap;
  try {
    bitmap = await createImageBitmap(picture);
  } catch {
    return null;
  }
  const width = Math.round(bitmap.width * share);
  const height = Math.round(bitmap.height * share);
  if (width < 40 || height < 40 || width * height > 16_000_000) return null;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
