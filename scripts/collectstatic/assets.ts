export interface AssetFolder {
  packageName: string;
  /** Inside the package. */
  folder: string;
  /** Inside `static/`. */
  into: string;
}

/** Every folder of a package that a page of ours is made of; the pages themselves name the same ones. */
export const assetFolders: readonly AssetFolder[] = [{ packageName: 'swagger-ui-dist', folder: '.', into: 'docs' }];
