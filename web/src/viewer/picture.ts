/** Cornerstone's image from a PNG of the service: the `web:` scheme. */
import { imageLoader, metaData, utilities, type Types } from "@cornerstonejs/core";

import { packed } from "./pack";

const SCHEME = "web";

interface Decoded {
  width: number;
  height: number;
  pixels: Uint8Array;
  color: boolean;
}

const facts = new Map<string, Decoded>();

/** Cornerstone's name for the picture at `url`. */
export function imageIdOf(url: string): string {
  return `${SCHEME}:${url}`;
}

async function decode(url: string): Promise<Decoded> {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`The picture could not be fetched (${reply.status}).`);
  const bitmap = await createImageBitmap(await reply.blob());
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser gives no canvas to decode the picture on.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  return { width, height, ...packed(rgba) };
}

async function load(imageId: string): Promise<Types.IImage> {
  const picture = await decode(imageId.slice(SCHEME.length + 1));
  facts.clear();
  facts.set(imageId, picture);
  const { width, height, pixels, color } = picture;
  const numberOfComponents = color ? 3 : 1;
  return {
    imageId,
    width,
    height,
    columns: width,
    rows: height,
    color,
    rgba: false,
    numberOfComponents,
    photometricInterpretation: color ? "RGB" : "MONOCHROME2",
    minPixelValue: 0,
    maxPixelValue: 255,
    slope: 1,
    intercept: 0,
    windowCenter: 128,
    windowWidth: 256,
    voiLUTFunction: "LINEAR" as Types.IImage["voiLUTFunction"],
    invert: false,
    columnPixelSpacing: 1,
    rowPixelSpacing: 1,
    sizeInBytes: pixels.byteLength,
    dataType: "Uint8Array",
    getPixelData: () => pixels,
    getCanvas: () => document.createElement("canvas"),
    voxelManager: utilities.VoxelManager.createImageVoxelManager({
      width,
      height,
      numberOfComponents,
      scalarData: pixels,
    }),
  } as Types.IImage;
}

/** Stills have square pixels of unknown size: one unit a pixel. */
function provide(type: string, imageId: string): object | undefined {
  const picture = facts.get(imageId);
  if (!picture) return undefined;
  const { width, height, color } = picture;
  switch (type) {
    case "imagePixelModule":
      return {
        pixelRepresentation: 0,
        bitsAllocated: 8,
        bitsStored: 8,
        highBit: 7,
        photometricInterpretation: color ? "RGB" : "MONOCHROME2",
        samplesPerPixel: color ? 3 : 1,
      };
    case "imagePlaneModule":
      return {
        rows: height,
        columns: width,
        frameOfReferenceUID: imageId,
        imageOrientationPatient: [1, 0, 0, 0, 1, 0],
        rowCosines: [1, 0, 0],
        columnCosines: [0, 1, 0],
        imagePositionPatient: [0, 0, 0],
        rowPixelSpacing: 1,
        columnPixelSpacing: 1,
        pixelSpacing: [1, 1],
        usingDefaultValues: true,
      };
    case "voiLutModule":
      return { windowCenter: [128], windowWidth: [256] };
    case "generalSeriesModule":
      return { modality: "OT" };
    case "modalityLutModule":
      return { rescaleSlope: 1, rescaleIntercept: 0 };
    default:
      return undefined;
  }
}

/** Teach cornerstone the scheme. */
export function registerPictures(): void {
  imageLoader.registerImageLoader(SCHEME, (imageId) => ({ promise: load(imageId) }) as unknown as Types.IImageLoadObject);
  metaData.addProvider(provide, 1000);
}
