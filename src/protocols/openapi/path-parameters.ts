import type { OpenAPIObject } from '@nestjs/swagger';

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const;

/**
 * A handler with several paths gets the parameters of all of them under each, and names with an index.
 * This leaves each path its own, and makes names that code generators can use.
 */
export function ownPathParameters(document: OpenAPIObject): OpenAPIObject {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      operation.parameters = operation.parameters?.filter(
        (parameter) =>
          !('in' in parameter) || parameter.in !== 'path' || path.includes(`{${parameter.name}}`),
      );
      operation.operationId = operation.operationId?.replace('[0]', '').replace('[1]', '_version');
    }
  }
  return document;
}
