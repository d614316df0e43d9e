import { type Kube, KubeError, type KubeObject, type Resource } from '../crds/client/kube.ts';
import type { Refusal } from './core/checks.ts';
import { type Child, covers } from './core/children.ts';
import { claimOf } from './core/claim.ts';
import { MANAGER } from './core/names.ts';
import type { View } from './view.ts';

/** What the making of children needs from who asks for it. */
export interface MakerParts {
  readonly kube: Kube;
  readonly view: Pick<View, 'current'>;
  /** Throws when nothing may be written any more. */
  mayWrite(): void;
  /** Is told of every write. */
  wrote(resource: Resource): void;
}

/** A child that cannot be made before somebody does something about it. */
export class Hindrance extends Error implements Refusal {
  readonly reason: string;

  constructor({ reason, message }: Refusal) {
    super(message);
    this.reason = reason;
  }
}

/** Makes what is wanted for an object, and puts right what is not as it should be; what is somebody else's it leaves alone. */
export class Maker {
  private readonly parts: MakerParts;

  constructor(parts: MakerParts) {
    this.parts = parts;
  }

  /** A second time it writes nothing. Rejects with Hindrance, or with KubeError when trying again may help. */
  async make({ resource, object }: Child): Promise<void> {
    try {
      const current = await this.current(resource, object);
      if (current === null) await this.begin(resource, object);
      else await this.keep(resource, object, current);
    } catch (error) {
      throw hindranceOf(error, object) ?? error;
    }
  }

  /** Takes away what we made; rejects with KubeError. */
  async unmake({ resource, object }: Child): Promise<void> {
    const current = await this.current(resource, object);
    if (current === null || claimOf(current, object) !== 'ours') return;
    const { namespace = '', name } = object.metadata;
    const { uid } = current.metadata;
    this.parts.mayWrite();
    await this.parts.kube.delete(resource, { namespace, name }, uid === undefined ? {} : { uid });
    this.parts.wrote(resource);
  }

  private async current(resource: Resource, object: KubeObject): Promise<KubeObject | null> {
    const { namespace = '', name } = object.metadata;
    const followed = this.parts.view.current(resource.kind, namespace, name);
    return followed === undefined ? this.parts.kube.get(resource, { namespace, name }) : followed;
  }

  // Objects without our label are not followed, so that none is known does not mean that there is none.
  private async begin(resource: Resource, object: Child['object']): Promise<void> {
    try {
      await this.apply(resource, object, true);
    } catch (error) {
      if (!(error instanceof KubeError && error.reason === 'Conflict')) throw error;
      const { namespace = '', name } = object.metadata;
      const fields = `metadata.name=${name}`;
      const [found] = await this.parts.kube.list(resource, { namespace, fields });
      // Gone again, or ours, of which we have yet to hear.
      if (found === undefined || claimOf(found, object) === 'ours') throw error;
      await this.keep(resource, object, found);
    }
  }

  private async keep(
    resource: Resource,
    object: Child['object'],
    current: KubeObject,
  ): Promise<void> {
    switch (claimOf(current, object)) {
      case 'foreign':
        throw new Hindrance(nameTaken(object));
      case 'leaving':
        throw new KubeError('Conflict', `${titleOf(object)} has yet to go with its former owner`);
    }
    // Applied only when something is not as it should be.
    if (!covers(current, object)) await this.apply(resource, object, false);
  }

  private async apply(resource: Resource, object: Child['object'], absent: boolean): Promise<void> {
    this.parts.mayWrite();
    await this.parts.kube.apply(resource, object, { fieldManager: MANAGER, force: true, absent });
    this.parts.wrote(resource);
  }
}

function titleOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function nameTaken(object: KubeObject): Refusal {
  const [owner] = object.metadata.ownerReferences ?? [];
  const message = `${titleOf(object)} is there and not of this ${owner?.kind}: delete it, or call the ${owner?.kind} something else`;
  return { reason: 'NameTaken', message };
}

/** What the API server says of owners for some seconds after their kind has been installed. */
const NEW_KIND = 'cannot find RESTMapping';

// What the API server will not have however often it is asked: a quota that is used up, an admission policy.
function hindranceOf(error: unknown, object: KubeObject): Hindrance | null {
  if (!(error instanceof KubeError)) return null;
  if (error.reason !== 'Invalid' && error.reason !== 'Forbidden') return null;
  if (error.message.includes(NEW_KIND)) return null;
  const message = `the API server refuses ${titleOf(object)}: ${error.message}`;
  return new Hindrance({ reason: 'Refused', message });
}
