const MODEL_PATH = /^(.*)\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/infer)?\/?$/;

/** Where a model is on a server that speaks the Open Inference Protocol. */
export interface V2Place {
  readonly server: URL;
  readonly model: URL;
  readonly ready: URL;
  readonly infer: URL;
}

/**
 * @param url of the server (`http://gpu-1:8000`), where the model has the same name as here; or of the model itself
 *   (`http://gpu-1:8000/v2/models/bert`, or `.../versions/3`)
 */
export function v2Place(url: URL, modelName: string): V2Place {
  const [, base, model, version] = MODEL_PATH.exec(url.pathname) ?? [];
  const root = (base ?? url.pathname.replace(/\/v2\/?$/, '')).replace(/\/+$/, '');
  const path = `${root}/v2/models/${model ?? encodeURIComponent(modelName)}${version ? `/versions/${version}` : ''}`;
  return {
    server: at(url, `${root}/v2`),
    model: at(url, path),
    ready: at(url, `${path}/ready`),
    infer: at(url, `${path}/infer`),
  };
}

/** The same host and query, another path. */
function at(url: URL, path: string): URL {
  const place = new URL(url);
  place.pathname = path;
  place.hash = '';
  return place;
}
