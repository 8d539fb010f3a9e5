import ts from 'typescript';

export interface ExportedNames {
  /** Names that exist at run time: classes, functions, constants. */
  readonly values: readonly string[];
  /** Names that only the compiler knows: interfaces, type aliases, `export type`. */
  readonly types: readonly string[];
}

/** Asks the compiler what each file exports, in the order of the files. */
export function exportedNames(files: readonly string[]): ExportedNames[] {
  const program = ts.createProgram(files, compilerOptions());
  const checker = program.getTypeChecker();
  return files.map((file) => {
    const source = program.getSourceFile(file);
    const entry = source && checker.getSymbolAtLocation(source);
    if (!entry) {
      throw new Error(`${file} does not exist or exports nothing`);
    }
    const symbols = checker.getExportsOfModule(entry);
    return {
      values: sortedNames(symbols.filter((symbol) => isValue(symbol, checker))),
      types: sortedNames(symbols.filter((symbol) => !isValue(symbol, checker))),
    };
  });
}

function isValue(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
  const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
  const isErased = symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) ?? false;
  return (target.flags & ts.SymbolFlags.Value) !== 0 && !isErased;
}

function sortedNames(symbols: readonly ts.Symbol[]): string[] {
  return symbols.map(({ name }) => name).sort();
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  return ts.parseJsonConfigFileContent(config, ts.sys, process.cwd()).options;
}
