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
  const { projectName, version, apiPrefix } = app.get<AppConfig>(appConfig.KEY);
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
          ? (current ??= withModels(document, models, apiPrefix))
          : document,
    },
  );
}

/** The document with a path for each loaded model, before all others: they are what people come for. */
function withModels(document: OpenAPIObject, models: ModelsService, apiPrefix: string): OpenAPIObject {
  const paths: OpenAPIObject['paths'] = {};
  for (const model of models.known()) {
    const served = model.version(undefined)?.served;
    if (served === undefined) continue;
    paths[`${apiPrefix}/inference/${model.name}`] = nativeModelPath(served);
    paths[`/v2/models/${model.name}/infer`] = openInferenceModelPath(served);
  }
  return { ...document, paths: { ...paths, ...document.paths } };
}
