import { Button } from "@mantine/core";
import { useEffect, useId, useRef, type ReactNode } from "react";

/** A question on top of the screen; Escape and a click beside it are a no. */
export function Dialog({ title, children, yes, no = "Cancel", busy = false, act, close }: { title: string; children?: ReactNode; yes: string; no?: string; busy?: boolean; act: () => void; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const box = dialog.current!;
    box.showModal();
    return () => box.close();
  }, []);
  return (
    <dialog ref={dialog} className="question" aria-labelledby={id} onCancel={(event) => { event.preventDefault(); close(); }} onClick={(event) => event.target === dialog.current && close()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act();
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        <div className="form-buttons">
          <Button size="xs" variant="default" onClick={close}>
            {no}
          </Button>
          <Button size="xs" type="submit" loading={busy}>
            {yes}
          </Button>
        </div>
      </form>
    </dialog>
  );
}
