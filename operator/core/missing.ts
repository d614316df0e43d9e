import type { Pod } from '../../crds/client/resources.ts';
import type { AgentsSeen } from './findings.ts';

/** What every container goes through. */
const ON_ITS_WAY = ['ContainerCreating', 'PodInitializing'];
/** The kubelet repeats all that the registry and the runtime told it. */
const LONGEST = 240;

/** Why agents do not run, as scheduler and kubelet tell it; empty when nothing keeps them. */
export function whatKeepsAgents({ daemonSet, pods }: AgentsSeen): string {
  const desired = daemonSet?.status?.desiredNumberScheduled ?? 0;
  if (desired > 0 && pods.length === 0) {
    const { name, namespace } = daemonSet!.metadata;
    return `no pod could be made yet: kubectl -n ${namespace} describe daemonset ${name} tells why; a namespace that enforces Pod Security has to allow privileged`;
  }
  return pods.flatMap(whatKeeps).join('; ');
}

function whatKeeps({ metadata, spec, status }: Pod): string[] {
  const { conditions = [], containerStatuses = [] } = status ?? {};
  const homeless = conditions.find(
    ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
  );
  if (homeless !== undefined)
    return [`${metadata.name}: ${cut(homeless.message ?? 'no node takes it')}`];
  const waiting = containerStatuses
    .map(({ state }) => state?.waiting)
    .find((one) => one?.reason !== undefined);
  if (waiting === undefined || ON_ITS_WAY.includes(waiting.reason!)) return [];
  const { reason, message = '' } = waiting;
  const what =
    // Its message counts the seconds.
    reason === 'CrashLoopBackOff'
      ? `the agent ends again and again: kubectl -n ${metadata.namespace} logs ${metadata.name} tells why`
      : cut(message);
  return [`${spec?.nodeName ?? metadata.name}: ${reason}${what === '' ? '' : `: ${what}`}`];
}

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
