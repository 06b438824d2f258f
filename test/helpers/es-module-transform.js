const { ModuleKind, ScriptTarget, transpileModule } = require('typescript');

/**
 * Makes CommonJS of packages that have ES modules alone, or import such later: Node takes those as they are, Jest does
 * not. ts-jest would put their class fields where the project's own decorators want them, which is before their `super()`.
 */
module.exports = {
  process: (source, path) => ({
    code: transpileModule(source, {
      fileName: path,
      compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2023 },
    }).outputText,
  }),
};
