import { lazy, StrictMode } from "react";
import { createRoot } from "react-dom/client";
createRoot(document.getElementById("root") as HTMLElement).render(<p>hello</p>);
void import("./viewer/stage").then(({ Stage }) => console.log(Stage));
void lazy; void StrictMode;
