import type { IncomingMessage } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type AppConfig, appConfig } from '../../config/config.slices';
import { AccessService } from '../../access/access.service';
import { callerOf } from '../../http/caller';
import { Router } from '../../http/router';
import { ModelsService } from '../../models/models.service';
import { addErrorResponses } from './error-responses';
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
      customSiteTitle: `${projectName} API`,
      swaggerOptions: { tryItOutEnabled: true, displayRequestDuration: true },
      patchDocumentOnRequest: (req, _res, document) =>
        callerOf(req as IncomingMessage) === undefined
          ? (current ??= withModels(document, models, apiPrefix, docsModels))
          : document,
    },
  );
}

/**
 * The document with a path for each loaded model, before all others: they are what people come for. Of hundreds the first
 * by name, and a word on how to find and call the others.
 */
function withModels(
  document: OpenAPIObject,
  models: ModelsService,
  apiPrefix: string,
  most: number,
): OpenAPIObject {
  const paths: OpenAPIObject['paths'] = {};
  const loaded = models.known().flatMap((model) => model.version(undefined)?.served ?? []);
  for (const served of loaded.slice(0, most)) {
    paths[`${apiPrefix}/inference/${served.name}`] = nativeModelPath(served);
    paths[`/v2/models/${served.name}/infer`] = openInferenceModelPath(served);
  }
  const all = { ...document, paths: { ...paths, ...document.paths } };
  if (loaded.length <= most) return all;
  const description = [
    `Serves ONNX models over REST. Of the ${loaded.length} that are loaded, ${most} stand below with calls of their own.`,
    `The others are called in the same way: \`GET ${apiPrefix}/inference/models?limit=100\` lists them, page by page,`,
    `\`GET ${apiPrefix}/inference/{model}\` tells what one takes, with an example that works, and`,
    `\`POST ${apiPrefix}/inference/{model}\` runs it.`,
  ].join(' ');
  return { ...all, info: { ...all.info, description } };
}
