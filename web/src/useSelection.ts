/** Which prediction is shown; the address holds it, so that a reload and a bookmark keep it. */
import { useCallback, useEffect, useState } from "react";

const KEY = "prediction";

function fromAddress(): string | null {
  return new URLSearchParams(window.location.search).get(KEY);
}

export function useSelection(): [string | null, (id: string) => void] {
  const [selected, setSelected] = useState(fromAddress);

  useEffect(() => {
    const back = () => setSelected(fromAddress());
    window.addEventListener("popstate", back);
    return () => window.removeEventListener("popstate", back);
  }, []);

  const select = useCallback((id: string) => {
    if (fromAddress() !== id) window.history.pushState(null, "", `?${KEY}=${encodeURIComponent(id)}`);
    setSelected(id);
  }, []);

  return [selected, select];
}
