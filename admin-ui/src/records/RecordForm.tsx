import { Create, Edit, SaveButton, SimpleForm, TextInput, Toolbar, useTranslate } from 'react-admin';
import type { AdminResource } from '../api.ts';
import { useUnreadable } from '../failures.ts';
import { inputFor } from './inputs.tsx';

/** What may be changed of a record, with the reason that goes into the audit. */
export function RecordForm({ resource, isNew }: { resource: AdminResource; isNew: boolean }) {
  const translate = useTranslate();
  const onError = useUnreadable(resource);
  const fields = resource.fields.filter(field => isNew || !field.once_only);
  const form = (
    <SimpleForm
      toolbar={
        <Toolbar>
          <SaveButton alwaysEnable={isNew} />
        </Toolbar>
      }
      sanitizeEmptyValues={false}
    >
      {fields.map(field =>
        inputFor(field, {
          ...{ isRequired: isNew && field.required, blank: field.preset },
          ...(isNew && { preset: field.preset }),
        }),
      )}
      <TextInput
        source={isNew ? 'reason' : 'change_reason'}
        label={translate('app.reason')}
        helperText={translate('app.reason_help')}
        fullWidth
      />
    </SimpleForm>
  );
  return isNew ? (
    <Create redirect="show">{form}</Create>
  ) : (
    <Edit redirect="show" mutationMode="pessimistic" queryOptions={{ onError }}>
      {form}
    </Edit>
  );
}
