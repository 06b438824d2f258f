import { CONTROL_BODY_BYTES } from '../../http/router';
import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { DomainError, reasonOf } from '../../errors/domain-error';
import type { ModelEntry } from '../../models/loading/model-entry';
import { ModelsService } from '../../models/models.service';
import { type JsonObject, isJsonObject, type JsonValue } from '../../config/yaml/json-value';
import { ApiPage, modelPage } from '../http-call/model-page';
import { V2Errors } from './v2-errors';
import {
  V2Loaded,
  V2RepositoryEntry,
  V2RepositoryIndexRequest,
  V2RepositoryRequest,
  V2Unloaded,
} from './v2.dto';
import { V2_TAG } from './v2-call';
import { readBody } from '../../http/body/body-reader';

/**
 * The model repository extension.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md
 */
@ApiTags(V2_TAG)
@Controller('v2/repository')
export class V2RepositoryController {
  constructor(private readonly models: ModelsService) {}

  /**
   * Every version of every model in the model folder that the caller may see, with its state. A page is of so many models
   * with all their versions; the header `x-next-cursor` begins the next one.
   */
  @Post('index')
  @HttpCode(200)
  @ApiPage()
  @ApiBody({ type: V2RepositoryIndexRequest, required: false })
  @ApiResponse({ status: 200, type: [V2RepositoryEntry] })
  @V2Errors(400, 413, 415)
  async index(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<V2RepositoryEntry[]> {
    const { ready } = await controlBody(req);
    if (ready !== undefined && ready !== null && typeof ready !== 'boolean') {
      throw new DomainError('invalid_request', 'Expected "ready" to be true or false.');
    }
    const { models, next } = modelPage(await this.models.list(), req);
    if (next !== undefined) res.setHeader('x-next-cursor', next);
    const entries = models.flatMap(indexOf);
    return ready === true ? entries.filter(({ state }) => state === 'READY') : entries;
  }

  /** Load a model on every worker. Where it serves already, what is in the folder now takes its place. */
  @Post('models/:model/load')
  @HttpCode(200)
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiBody({ type: V2RepositoryRequest, required: false })
  @ApiResponse({ status: 200, type: V2Loaded })
  @V2Errors(400, 404, 413, 415, 503, 504)
  async load(@Req() req: Request, @Param('model') name: string): Promise<V2Loaded> {
    const { parameters } = await controlBody(req);
    const names = Object.keys((parameters ?? {}) as JsonObject);
    if (names.length > 0) {
      throw new DomainError(
        'invalid_request',
        `Parameters of a load (${names.join(', ').slice(0, 100)}) are not supported: files and settings come from the model folder.`,
      );
    }
    await this.models.load(name);
    return { name, load: true };
  }

  /** Take a model out of service on every worker, until it is loaded by a call again. */
  @Post('models/:model/unload')
  @HttpCode(200)
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiBody({ type: V2RepositoryRequest, required: false })
  @ApiResponse({ status: 200, type: V2Unloaded })
  @V2Errors(400, 404, 413, 415, 503, 504)
  async unload(@Req() req: Request, @Param('model') name: string): Promise<V2Unloaded> {
    // Its one parameter, `unload_dependents`, is about ensembles, which there are none of.
    await controlBody(req);
    await this.models.unload(name);
    return { name, unload: true };
  }
}

function indexOf(model: ModelEntry): V2RepositoryEntry[] {
  const { name, versions } = model;
  if (versions.size === 0) return [{ name, state: 'UNAVAILABLE', reason: model.reason }];
  return [...versions.values()].map(({ version, state, reason }) => ({
    name,
    version,
    state,
    reason: reason || (state === 'UNAVAILABLE' && model.unloaded ? 'unloaded' : ''),
  }));
}

/**
 * The JSON object in the body of a repository call, `{}` for an empty body or `null`. The protocol's clients send it
 * without a content type, so that Express has left it unread.
 * @throws invalid_json, invalid_request, body_too_large
 */
async function controlBody(req: Request): Promise<JsonObject> {
  const body = req.body === undefined ? await unreadBody(req) : (req.body as JsonValue);
  // Some clients send it for what they leave out.
  if (body === null) return {};
  if (isJsonObject(body)) return body;
  throw new DomainError('invalid_request', 'The body of this call is a JSON object, or empty.');
}

async function unreadBody(req: Request): Promise<JsonValue> {
  const text = (await readBody(req, CONTROL_BODY_BYTES).catch(explainLimit)).toString();
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new DomainError('invalid_json', `The body is not JSON: ${reasonOf(error)}.`);
  }
}

/** The limit of these bodies is not the one that the reader names, which is for tensors. */
function explainLimit(error: unknown): never {
  if (!(error instanceof DomainError) || error.code !== 'body_too_large') throw error;
  throw new DomainError('body_too_large', `The body of this call may have ${CONTROL_BODY_BYTES} bytes.`);
}
