import { GROUP, type KindDefinition, VERSION } from './kinds.ts';
import { type Field, type Json, type OptionSchemas, structural } from './structural.ts';

/** The CustomResourceDefinition of a kind; `top` describes the whole object. */
export function definitionOf(kind: KindDefinition, top: Field, options: OptionSchemas): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [kind.shortName],
        categories: ['dhcp'],
      },
      versions: [versionOf(kind, top, options)],
    },
  };
}

function versionOf(kind: KindDefinition, top: Field, options: OptionSchemas): object {
  return {
    name: VERSION,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: schemaOf(kind, top, options) },
    subresources: { status: {} },
    additionalPrinterColumns: kind.columns.map(({ name, type, path, description, wide }) => ({
      name,
      type,
      jsonPath: path,
      description,
      ...(wide === true ? { priority: 1 } : {}),
    })),
    ...(kind.selectableFields.length === 0
      ? {}
      : { selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })) }),
  };
}

function schemaOf(kind: KindDefinition, top: Field, options: OptionSchemas): Json {
  const spec = structural(top.properties!.spec!, options);
  const beside = (spec['x-kubernetes-validations'] ?? []) as readonly object[];
  const rules = [...beside, ...kind.rules];
  return {
    description: top.description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: rules.length === 0 ? spec : { ...spec, 'x-kubernetes-validations': rules },
      status: structural(top.properties!.status!, options),
    },
  };
}

/** What checking the shape of a spec needs of it: no defaults, and descriptions only where a message quotes them. */
export function shapeOf(field: Field): Field {
  const { default: _, description, items, properties, values, ...rest } = field;
  const quoted = field.pattern !== undefined && field.format === undefined;
  const entries = Object.entries(properties ?? {});
  return {
    ...rest,
    ...(quoted && description !== undefined ? { description } : {}),
    ...(items === undefined ? {} : { items: shapeOf(items) }),
    ...(values === undefined ? {} : { values: shapeOf(values) }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(entries.map(([name, inner]) => [name, shapeOf(inner)])) }),
  };
}
