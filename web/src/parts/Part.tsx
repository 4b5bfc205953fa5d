import type { ReactNode } from "react";

/** One titled part of the answer. */
export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="part">
      <h3>{title}</h3>
      {children}
    </div>
  );
}
