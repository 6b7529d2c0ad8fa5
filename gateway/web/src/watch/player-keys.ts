// The keys that steer a player, as video sites have them.

import { shortcut } from "../parts/keys";
import { RATES, type Player } from "./player";

export function playerKeys(player: Player): void {
  const by = (seconds: number) => player.seek(player.time() + seconds);
  const faster = (steps: number) => {
    const next = RATES[RATES.findIndex((rate) => rate === player.rate()) + steps];
    if (next !== undefined) player.setRate(next);
  };
  shortcut([" ", "k"], player.toggle);
  shortcut(["j"], () => by(-10));
  shortcut(["l"], () => by(10));
  shortcut(["ArrowLeft"], () => by(-5));
  shortcut(["ArrowRight"], () => by(5));
  shortcut(["m"], player.toggleMuted);
  shortcut([">"], () => faster(1));
  shortcut(["<"], () => faster(-1));
  for (let digit = 0; digit < 10; digit += 1) {
    shortcut([String(digit)], () => player.seek((player.duration() * digit) / 10));
  }
}
