import type { IncomingMessage } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type AppConfig, appConfig, type HttpConfig, httpConfig } from '../../config/config.slices';
import { AccessService } from '../../access/access.service';
import { callerOf } from '../../http/caller';
import { Router } from '../../http/router';
import type { ModelEntry } from '../../models/loading/model-entry';
import { ModelsService } from '../../models/models.service';
import { addErrorResponses } from './error-responses';
import { withExamples } from './generic-examples';
import { nativeModelPath } from './native-model-path';
import { openInferenceModelPath } from './open-inference-model-path';
import { ownPathParameters } from './path-parameters';

const DESCRIPTION = [
  'Serves ONNX models over REST. Every loaded model stands below with its own inputs, outputs and an',
  'example that works: open it and choose "Execute".',
].join(' ');

/** Swagger UI at `/docs` and the OpenAPI 3 document at `/docs-json`, which knows the models that are loaded. */
export function setUpDocs(app: INestApplication): void {
  const { projectName, version, apiPrefix, docsModels } = app.get<AppConfig>(appConfig.KEY);
  const { port, trustForwardedPrefix } = app.get<HttpConfig>(httpConfig.KEY);
  const models = app.get(ModelsService);
  const about = new DocumentBuilder()
    .setTitle(projectName)
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0');
  if (app.get(AccessService).knowsAnybody) {
    about.addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key or a token.' }, 'key');
    about.addSecurityRequirements('key');
  }
  app.get(Router).addRoutes([
    // A browser opens a page without a key; who has none sees the calls, but no models.
    { method: 'GET', pattern: '/docs', scope: 'open' },
    { method: 'GET', pattern: '/docs/*', scope: 'open' },
    { method: 'GET', pattern: '/docs-json', scope: 'open' },
    { method: 'GET', pattern: '/docs-yaml', scope: 'open' },
  ]);
  let current: OpenAPIObject | undefined;
  models.onChange(() => (current = undefined));
  SwaggerModule.setup(
    'docs',
    app,
    () => addErrorResponses(ownPathParameters(SwaggerModule.createDocument(app, about.build())), apiPrefix),
    {
      jsonDocumentUrl: 'docs-json',
      yamlDocumentUrl: 'docs-yaml',
      customSiteTitle: titleFor(projectName),
      customCss: NARROW_CSS,
      swaggerOptions: { tryItOutEnabled: true, displayRequestDuration: true },
      patchDocumentOnRequest: (request, _res, document) => {
        const req = request as IncomingMessage;
        const known =
          callerOf(req) === undefined
            ? (current ??= withModels(document, models, {
                apiPrefix,
                url: `http://localhost:${port}`,
                most: docsModels,
              }))
            : document;
        const prefix = trustForwardedPrefix ? forwardedPrefix(req) : undefined;
        return prefix === undefined ? known : { ...known, servers: [{ url: prefix }] };
      },
    },
  );
}

/** The template of the page has no other place for what phones need to show it in their own width. */
function titleFor(projectName: string): string {
  return `${projectName} API</title><meta name="viewport" content="width=device-width, initial-scale=1"><title>`;
}

/** What is wider than a phone goes on below, or is scrolled by itself. */
const NARROW_CSS = `
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 8px; }
  .swagger-ui .topbar { display: none; }
  .swagger-ui .info { margin: 16px 0; }
  .swagger-ui .opblock .opblock-summary-path { max-width: none; word-break: break-all; }
  .swagger-ui .opblock .opblock-summary { flex-wrap: wrap; }
  .swagger-ui .opblock-body, .swagger-ui .table-container, .swagger-ui .responses-inner { overflow-x: auto; }
  .swagger-ui table.parameters, .swagger-ui table.parameters tbody, .swagger-ui table.parameters tr,
  .swagger-ui table.parameters td { display: block; width: 100%; }
  .swagger-ui table.parameters thead { display: none; }
  .swagger-ui .parameters-col_description, .swagger-ui .parameters-col_description input { width: 100%; max-width: 100%; }
  .swagger-ui .opblock-description-wrapper, .swagger-ui .markdown, .swagger-ui pre { max-width: 100%; overflow-x: auto; }
}`;

/** A path that a proxy may have taken off: `/ml/nestor`. */
const PREFIX = /^(\/[\w.~-]{1,100}){1,10}\/?$/;

/** What `X-Forwarded-Prefix` says; undefined for what is no path. */
function forwardedPrefix({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-forwarded-prefix'];
  return typeof given === 'string' && PREFIX.test(given) ? given.replace(/\/$/, '') : undefined;
}

interface Place {
  readonly apiPrefix: string;
  /** Where commands find the server. */
  readonly url: string;
  /** So many models have calls of their own. */
  readonly most: number;
}

/**
 * The document with a path for each loaded model, before all others: they are what people come for. Of hundreds the first
 * by name, and a word on how to find and call the others.
 */
function withModels(
  document: OpenAPIObject,
  models: ModelsService,
  { apiPrefix, url, most }: Place,
): OpenAPIObject {
  const paths: OpenAPIObject['paths'] = {};
  const known = models.known();
  const loaded = known.flatMap((model) => model.version(undefined)?.served ?? []);
  for (const served of loaded.slice(0, most)) {
    paths[`${apiPrefix}/inference/${served.name}`] = nativeModelPath(served);
    paths[`/v2/models/${served.name}/infer`] = openInferenceModelPath(served, url);
  }
  const { info } = document;
  const description = [
    loaded.length > most ? ofMany(loaded.length, most, apiPrefix) : info.description,
    notServed(known),
  ]
    .filter(Boolean)
    .join('\n\n');
  const generic = withExamples(document.paths, loaded, apiPrefix);
  return { ...document, info: { ...info, description }, paths: { ...paths, ...generic } };
}

function ofMany(loaded: number, most: number, apiPrefix: string): string {
  return [
    `Serves ONNX models over REST. Of the ${loaded} that are loaded, ${most} stand below with calls of their own.`,
    `The others are called in the same way: \`GET ${apiPrefix}/inference/models?limit=100\` lists them, page by page,`,
    `\`GET ${apiPrefix}/inference/{model}\` tells what one takes, with an example that works, and`,
    `\`POST ${apiPrefix}/inference/{model}\` runs it.`,
  ].join(' ');
}

/** Of more models than these the rest is counted. */
const MOST_NOT_SERVED = 20;

/** Models that are not there, and why: those that failed before those that nobody has asked for. */
function notServed(models: readonly ModelEntry[]): string | undefined {
  const missing = models.flatMap((model) => {
    const version = model.version(undefined);
    if (version?.served !== undefined) return [];
    return [{ name: model.name, reason: (version?.reason || model.reason).replace(/\s+/g, ' ') }];
  });
  if (missing.length === 0) return undefined;
  const lines = missing
    .sort((a, b) => Number(b.reason !== '') - Number(a.reason !== ''))
    .map(({ name, reason }) => `- \`${name}\`: ${reason || 'not loaded yet: its first request loads it'}`);
  const more = lines.length - MOST_NOT_SERVED;
  return [
    'Not served:',
    '',
    ...lines.slice(0, MOST_NOT_SERVED),
    ...(more > 0 ? [`- and ${more} more`] : []),
  ].join('\n');
}
