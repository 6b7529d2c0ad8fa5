// What went wrong with something that was asked for, told for some seconds.

import { asProblem } from "../mesh";
import { toast } from "./toast";

export function tellTrouble(thrown: unknown): void {
  const error = asProblem(thrown);
  toast(`${error.message} ${error.advice}`);
}
