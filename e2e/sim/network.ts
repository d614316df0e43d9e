import type { Millis } from '../../codec/machine.ts';
import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';
import type { History } from './history.ts';

/** How bad it is: probabilities for one packet on one path. */
export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  /** Delayed for seconds instead of milliseconds, so that others overtake it. */
  readonly straying: number;
}

const STRAY_MOST: Millis = 2_000;
const DELAY_MOST: Millis = 20;

/** No packet is on its way for longer over as many paths as there are between a client and the server. */
export const LIFETIME_MOST: Millis = 2 * STRAY_MOST;

/** Paths that lose, delay, reorder and double what they carry, and may be cut. */
export class Network {
  readonly cut = new Set<string>();
  weather: Weather = { loss: 0.03, duplication: 0.02, straying: 0.02 };
  private readonly agenda: Agenda;
  private readonly chance: Chance;
  private readonly history: History;

  constructor(agenda: Agenda, chance: Chance, history: History) {
    this.agenda = agenda;
    this.chance = chance;
    this.history = history;
  }

  /** Carries something over a path, if it gets through; perhaps twice. */
  carry(path: string, arrive: () => void): void {
    const { chance, weather, history } = this;
    history.count('packets');
    if (this.cut.has(path)) {
      history.count('packets into a cut path');
      return;
    }
    if (chance.happens(weather.loss)) {
      history.count('packets lost');
      return;
    }
    this.send(path, arrive);
    if (!chance.happens(weather.duplication)) return;
    history.count('packets doubled');
    this.send(path, arrive);
  }

  private send(path: string, arrive: () => void): void {
    const { chance } = this;
    const most = chance.happens(this.weather.straying) ? STRAY_MOST : DELAY_MOST;
    this.agenda.after(chance.between(1, most), () => {
      if (!this.cut.has(path)) arrive();
    });
  }
}
