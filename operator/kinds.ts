import { type Kube, KubeError, type Resource } from '../crds/client/kube.ts';

/** A kind that the cluster may know or not, and learn and forget while we are at work. */
export class OptionalKind {
  /** As of the last look; false before the first. */
  known = false;
  private readonly kube: Kube;
  private readonly resource: Resource;

  constructor(kube: Kube, resource: Resource) {
    this.kube = kube;
    this.resource = resource;
  }

  /** Asks, and returns whether the answer is another one than before; rejects with KubeError when there is none. */
  async look(): Promise<boolean> {
    const { known } = this;
    this.known = await this.ask();
    return this.known !== known;
  }

  private async ask(): Promise<boolean> {
    try {
      // Only whether there is a list matters, not what is in it.
      await this.kube.list(this.resource, { namespace: 'default', fields: 'metadata.name=none' });
      return true;
    } catch (error) {
      // What we may not look at we may not make either.
      const told = error instanceof KubeError && ['NotFound', 'Forbidden'].includes(error.reason);
      if (told) return false;
      throw error;
    }
  }
}
