import { conditionOf as conditionOfClient } from '../clients.ts';
import { ALWAYS, any, type Condition, NEVER } from '../condition.ts';
import { type Client, newLevel, type ServerModel } from '../model.ts';
import { codeOfName } from '../optionnames.ts';
import type { Report } from '../report.ts';
import { conditionOf } from './expressions.ts';
import type { Fields } from './fields.ts';
import { readBoot, readTimes } from './levels.ts';
import { newOptionScope, type OptionScope, readOptions } from './options.ts';
import { CLASS_REMEDIES } from './remedies.ts';
import { DHCP4, Spaces } from './spaces.ts';

/** A class whose clients get no answer, whatever else they are in. */
const DROP = 'DROP';

/** Reads classes. */
export class ClassReader {
  private readonly model: ServerModel;
  private readonly spaces: Spaces;
  private readonly report: Report;
  /** Clients that reservations put into classes. */
  private readonly admitted = new Map<string, Client[]>();
  private readonly known: Client[] = [];

  constructor(model: ServerModel, spaces: Spaces, report: Report) {
    this.model = model;
    this.spaces = spaces;
    this.report = report;
  }

  read(fields: Fields, outer: OptionScope): void {
    for (const entry of fields.objects('client-classes')) this.class(entry, outer);
  }

  /** Says that a reservation puts its client into a class. */
  admit(name: string, client: Client): void {
    const others = this.admitted.get(name);
    if (others === undefined) this.admitted.set(name, [client]);
    else others.push(client);
  }

  /** Gives the classes to the model, once all reservations are read. */
  finish(): void {
    const { classes, subnets, reservations } = this.model;
    for (const [i, one] of classes.entries()) {
      const clients = this.admitted.get(one.name);
      if (clients === undefined) continue;
      classes[i] = { ...one, when: any([one.when, ...clients.map(conditionOfClient)]) };
    }
    this.known.push(
      ...[...reservations, ...subnets.flatMap((subnet) => subnet.reservations)].map(
        ({ client }) => client,
      ),
    );
    if (!this.isAsked('KNOWN')) return;
    const when = any(this.known.map(conditionOfClient));
    const place = classes[0]?.place ?? { file: '', line: 0 };
    classes.push({ place, name: 'KNOWN', when, refuse: false, level: newLevel() });
  }

  private isAsked(name: string): boolean {
    const { classes, subnets } = this.model;
    const pools = subnets.flatMap((subnet) => subnet.pools);
    const conditions = [...classes.map(({ when }) => when), ...pools.map(({ permits }) => permits)];
    return JSON.stringify(conditions).includes(`{"kind":"class","name":"${name}"}`);
  }

  private class(fields: Fields, outer: OptionScope): void {
    const name = fields.text('name') ?? `class ${fields.place.line}`;
    const what = `class ${name}`;
    const spaces = this.spacesOf(fields);
    const level = newLevel();
    const test = fields.text('test');
    const when = test === undefined ? this.withoutTest(fields) : this.condition(test, fields);
    readOptions(fields, newOptionScope(level, outer, spaces), this.report);
    readTimes(fields, level);
    readBoot(fields, level, this.report);
    const isLate = fields.boolean('only-if-required') || fields.boolean('only-in-additional-list');
    if (isLate === true) {
      const why = 'is evaluated only where that is required';
      this.report.add(fields.place, what, why, 'put what it says to these subnets or pools');
      return;
    }
    fields.rest(what, CLASS_REMEDIES, this.report);
    this.model.classes.push({ place: fields.place, name, when, refuse: name === DROP, level });
  }

  private withoutTest(fields: Fields): Condition {
    return fields.text('template-test') === undefined
      ? NEVER
      : { kind: 'unknown', what: 'it is a template' };
  }

  private condition(test: string, fields: Fields): Condition {
    const option = (name: string): number | null =>
      /^\d+$/.test(name)
        ? this.codeInRange(Number(name))
        : (this.spaces.find(DHCP4, name, undefined)?.code ?? codeOfName(name));
    return test === 'true' ? ALWAYS : conditionOf(test, { option }, fields.placeOf('test'));
  }

  private codeInRange(code: number): number | null {
    return code > 0 && code < 255 ? code : null;
  }

  private spacesOf(fields: Fields): Spaces {
    const definitions = fields.objects('option-def');
    if (definitions.length === 0) return this.spaces;
    const spaces = new Spaces(this.spaces);
    for (const entry of definitions) {
      const fault = spaces.define(entry);
      const what = `option-def ${entry.text('name')}`;
      if (fault !== null) this.report.add(entry.place, what, fault, 'write the option by its code');
    }
    return spaces;
  }
}
