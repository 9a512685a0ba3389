import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { investigate } from "../investigating";
import { investigationsApi, type Start } from "../investigationsApi";
import { Failed } from "./Answer";

/** Opens an investigation that is prepared for this, or goes to the one that is open already. */
export function InvestigateButton({ start }: { start: Start }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const opening = useMutation({
    mutationFn: () => investigationsApi.open(start),
    onSuccess: (made) => {
      investigate(made);
      void client.invalidateQueries({ queryKey: ["investigations"] });
      void navigate({ to: "/investigations/$id", params: { id: made.id } });
    },
  });
  return (
    <>
      <Button size="xs" variant="default" loading={opening.isPending} onClick={() => opening.mutate()}>
        Investigate
      </Button>
      {opening.isError && <Failed error={opening.error} retry={() => opening.mutate()} what="an investigation" brief />}
    </>
  );
}
