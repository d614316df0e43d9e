/** The way to a field: names and positions in lists. */
export type Path = readonly (string | number)[];

/** `spec.subnets[0].cidr`; names that would not read well like that are quoted: `nodeSelector["kubernetes.io/os"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The reverse; what is not such a path has no steps from there on. */
export function parsePath(text: string): Path {
  const path: (string | number)[] = [];
  for (const [, name, position, quoted] of text.matchAll(STEP)) {
    if (name !== undefined) path.push(name);
    else if (position !== undefined) path.push(Number(position));
    else path.push(JSON.parse(quoted!) as string);
  }
  return path;
}

const STEP = /\.?([\w-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
