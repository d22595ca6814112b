import Download from '@mui/icons-material/Download';
import { Button as MuiButton, Link as MuiLink, useMediaQuery } from '@mui/material';
import type { Theme } from '@mui/material/styles';
import { type MouseEvent, type ReactNode, useState } from 'react';
import {
  BulkActionsToolbar,
  CreateButton,
  Datagrid,
  FilterButton,
  FunctionField,
  Link,
  List,
  SearchInput,
  SelectAllButton,
  SimpleList,
  TopToolbar,
  useListContext,
  useRecordContext,
  useRefresh,
  useTranslate,
} from 'react-admin';
import { type Action, type AdminResource, download } from '../api.ts';
import { useFailure } from '../failures.ts';
import { filterQuery } from '../providers.ts';
import { ActionDialog } from './ActionDialog.tsx';
import { filterFor } from './inputs.tsx';
import { titleOf, Value } from './Value.tsx';

/** What the server puts on one page. */
const MOST_AT_ONCE = 100;

export function RecordList({ resource }: { resource: AdminResource }) {
  const translate = useTranslate();
  const isPhone = useMediaQuery<Theme>(theme => theme.breakpoints.down('md'));
  const { columns, filters, searchable, ordering, actions } = resource;
  const listed = columns.filter(({ detail }) => !detail);
  const [yes, no] = [translate('app.yes'), translate('app.no')];
  const field = ordering.replace(/^-/, '');
  const sort = {
    field: field === resource.key ? 'id' : field,
    order: ordering.startsWith('-') ? 'DESC' : 'ASC',
  } as const;
  return (
    <List
      resource={resource.name}
      title={resource.label}
      sort={sort}
      perPage={25}
      exporter={false}
      empty={false}
      sx={{ '& .RaList-main, & .RaList-content': { minWidth: 0 } }}
      filters={[
        ...(searchable ? [<SearchInput key="q" source="q" alwaysOn />] : []),
        ...filters.map(one => filterFor(one, yes, no)),
      ]}
      actions={<ListActions resource={resource} />}
    >
      {isPhone ? (
        <SimpleList
          linkType="show"
          sx={{ overflowWrap: 'anywhere' }}
          primaryText={record => titleOf(resource, record)}
          secondaryText={record =>
            listed
              .filter(({ name }) => name !== resource.title)
              .slice(0, 3)
              .map(one => (
                <span key={one.name} style={{ marginRight: 8 }}>
                  <Value of={one} value={record[one.name]} />
                </span>
              ))
          }
        />
      ) : (
        <Datagrid
          rowClick="show"
          sx={{ '& .RaDatagrid-tableWrapper': { overflowX: 'auto' } }}
          {...(actions.length > 0
            ? { bulkActionsToolbar: <BulkActions actions={actions} /> }
            : { bulkActionButtons: false })}
        >
          {listed.map(one => (
            <FunctionField
              key={one.name}
              source={one.name}
              label={one.label}
              sortable={one.sortable}
              render={record => {
                const value = <Value of={one} value={record[one.name]} />;
                return one.name === resource.title ? <ToRecord resource={resource}>{value}</ToRecord> : value;
              }}
            />
          ))}
        </Datagrid>
      )}
    </List>
  );
}

/** A row is opened by a click anywhere on it, and by the keyboard through its name. */
function ToRecord({ resource, children }: { resource: AdminResource; children: ReactNode }) {
  const record = useRecordContext();
  return (
    <MuiLink
      component={Link}
      to={`/${resource.name}/${encodeURIComponent(String(record?.id))}/show`}
      {...{ color: 'inherit', underline: 'hover' }}
      onClick={(event: MouseEvent) => event.stopPropagation()}
    >
      {children}
    </MuiLink>
  );
}

function ListActions({ resource }: { resource: AdminResource }) {
  const [translate, failed] = [useTranslate(), useFailure()];
  const { filterValues } = useListContext();
  const path = `/api/admin/${resource.name}/export.csv?${filterQuery(filterValues)}`;
  const save = () => download(path, `${resource.name}.csv`).catch(failed);
  return (
    <TopToolbar>
      <FilterButton />
      {resource.permissions.create && <CreateButton />}
      {resource.permissions.export && (
        <MuiButton size="small" startIcon={<Download />} onClick={save}>
          {translate('app.csv')}
        </MuiButton>
      )}
    </TopToolbar>
  );
}

function BulkActions({ actions }: { actions: Action[] }) {
  const { selectedIds, onUnselectItems } = useListContext();
  const refresh = useRefresh();
  const [chosen, choose] = useState<Action | null>(null);
  const close = (isAnswered: boolean) => {
    choose(null);
    if (!isAnswered) return;
    onUnselectItems();
    refresh();
  };
  return (
    <BulkActionsToolbar selectAllButton={<SelectAllButton limit={MOST_AT_ONCE} />}>
      {actions.map(action => (
        <MuiButton key={action.name} size="small" onClick={() => choose(action)}>
          {action.label}
        </MuiButton>
      ))}
      {chosen && <ActionDialog action={chosen} ids={selectedIds} onClose={close} />}
    </BulkActionsToolbar>
  );
}
